import threading

import pytest

from extractors.executors import claims as module
from extractors.executors.base import RunOptions, load_executor
from extractors.extraction.job import extract_chunk, without
from pipeline.errors import ConfigError, ExtractionError
from tests.clips import make_clip
from tests.extractors import faulty_experts
from tests.extractors.executors.shared_store import ENGINE, NAMES, SharedStore
from tests.extractors.executors.test_local import double
from tests.extractors.run_experts import named, video_of
from tests.inline_jobs import inline_jobs


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Six clips: three chunks."""
    folder = tmp_path_factory.mktemp("claimed")
    made = [make_clip(folder / f"{number}.mp4", seconds=0.5 + 0.1 * number, size=(96, 72)) for number in range(6)]
    return [(path, video_of(path)) for path in made]


@pytest.fixture
def shared(videos, tmp_path):
    return SharedStore(tmp_path, videos)


@pytest.fixture
def extracted(monkeypatch):
    """The numbers of the chunks that this host extracts, in order."""
    numbers = []

    def note(job, *args):
        numbers.append(job.number)
        return extract_chunk(job, *args)

    monkeypatch.setattr(module, "extract_chunk", note)
    return numbers


def files_of(folder):
    return [path.name for path in (folder / "store" / "claims").rglob("*") if path.is_file()]


def test_a_host_alone_does_all_chunks_and_leaves_no_claim(shared, extracted):
    told = []
    outcomes = shared.run(progress=lambda done_s, stage: told.append(done_s))
    assert [(outcome.number, outcome.errors) for outcome in outcomes] == [(0, {}), (1, {}), (2, {})]
    assert extracted == [0, 1, 2]
    assert shared.rows() == dict.fromkeys(NAMES, shared.contents)
    assert files_of(shared.folder) == []
    assert told == sorted(told) and told[-1] == pytest.approx(sum(video.duration_s for _, video in shared.videos))
    assert shared.run() == [], "nothing is lacking"


def test_a_chunk_that_another_host_does_is_waited_for_and_not_done_again(shared, extracted):
    jobs = shared.jobs()
    name = shared.claim_elsewhere(jobs[1])
    waits = threading.Event()

    def other_host():
        waits.wait(60)
        extract_chunk(jobs[1])
        shared.claims.release(name)

    def progress(done_s, stage):
        if stage.startswith("other hosts"):
            waits.set()

    with inline_jobs():
        thread = threading.Thread(target=other_host)
        thread.start()
        outcomes = shared.run(progress=progress, expiry_s=600.0)
        thread.join()
    assert sorted(outcome.number for outcome in outcomes) == [0, 1, 2]
    assert extracted == [0, 2]
    assert shared.rows() == dict.fromkeys(NAMES, shared.contents)


def test_the_chunk_of_a_dead_host_is_taken_over_last(shared, extracted, caplog):
    shared.claim_elsewhere(shared.jobs()[0])
    outcomes = shared.run()
    assert extracted == [1, 2, 0]
    assert [outcome.errors for outcome in outcomes] == [{}, {}, {}]
    assert "Chunk 0 is taken over" in caplog.text
    assert files_of(shared.folder) == []


def test_a_chunk_that_another_host_has_just_finished_is_not_done_again(shared, extracted):
    jobs = shared.jobs()
    executor = load_executor(ENGINE, RunOptions(("cpu",), shared.wanted()))
    with inline_jobs():
        outcomes = executor.outcomes(jobs, lambda: False)
        assert next(outcomes).number == 0
        extract_chunk(jobs[1])
        assert [outcome.number for outcome in outcomes] == [1, 2]
    assert extracted == [0, 2]


def test_only_what_is_lacking_of_a_chunk_is_extracted(shared, monkeypatch):
    jobs = shared.jobs()
    seen = []
    monkeypatch.setattr(module, "extract_chunk", lambda job, *args: seen.append(job) or extract_chunk(job, *args))
    executor = load_executor(ENGINE, RunOptions(("cpu",), shared.wanted()))
    with inline_jobs():
        _, video, _ = jobs[0].videos[0]
        extract_chunk(without(jobs[0], lambda name, key: (name, key) != (NAMES[0], video.content)))
        list(executor.outcomes(jobs, lambda: False))
    assert [names for _, _, names in seen[0].videos] == [(NAMES[1],), NAMES]


def test_a_chunk_that_ended_too_many_processes_is_left_alone_and_told(shared, extracted):
    jobs = shared.jobs()
    name = shared.claim_elsewhere(jobs[1], tries=3)
    outcomes = shared.run()
    (error,) = [error for outcome in outcomes for error in outcome.errors.values()]
    assert isinstance(error, ExtractionError)
    assert extracted == [0, 2]
    assert "\n" not in str(error)
    for told in ("chunk 1 of some (2 videos, 2.mp4 to 3.mp4)", "3 processes", "elsewhere", "ForgetFailures"):
        assert told in str(error)
    assert shared.claims.read_claim(name) is not None, "so that other hosts leave it alone too"


def test_an_expert_that_fails_here_is_given_up_and_the_others_go_on(videos, tmp_path):
    shared = SharedStore(tmp_path, videos, [named("rgb_light"), double("failing", faulty_experts.Failing)])
    outcomes = shared.run()
    assert [list(outcome.errors) for outcome in outcomes] == [["failing"], [], []]
    assert shared.rows() == {"rgb_light": shared.contents, "failing": set()}
    assert all(name.startswith("expert-") for name in files_of(tmp_path))


def test_a_stop_releases_the_chunk_for_the_others(shared, extracted):
    outcomes = shared.run(stop=lambda: len(extracted) > 0)
    assert extracted == [0]
    assert outcomes == []
    assert all(name.startswith("expert-") for name in files_of(shared.folder))
    assert shared.run() != []
    assert shared.rows() == dict.fromkeys(NAMES, shared.contents)


def test_a_fault_of_the_machine_is_raised_and_counts_as_a_try(shared, monkeypatch):
    def fault(job, *args):
        raise OSError("no such device")

    monkeypatch.setattr(module, "extract_chunk", fault)
    with pytest.raises(OSError, match="no such device"):
        shared.run()
    monkeypatch.undo()
    assert sum(name.startswith("000000-") for name in files_of(shared.folder)) == 1, "it is left to expire"


def test_several_devices_are_refused_in_one_line(shared):
    with pytest.raises(
        ConfigError, match="one device a process, not on cuda:0, cuda:1: start the command once for each"
    ):
        load_executor(ENGINE, RunOptions(("cuda:0", "cuda:1"), shared.wanted()))
