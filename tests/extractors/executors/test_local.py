import dataclasses
import functools
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from extractors.executors import local as module
from extractors.executors.base import EngineOptions, RunOptions, load_executor
from extractors.extraction.job import Folders, Terms, chunk_jobs, total_video_s
from extractors.extraction.one_pass import Wanted
from extractors.extraction.one_pass import extract as extract_on_one
from pipeline.errors import ExtractionError
from pipeline.stores import store
from pipeline.weights.files import WeightOptions
from tests.clips import make_clip
from tests.conftest import ROOT
from tests.extractors import faulty_experts
from tests.extractors.run_experts import OPTIONS, features_of, named, video_of
from tests.inline_jobs import inline_jobs

NAMES = ["rgb_light", "audio_light"]
TWO = ("cpu", "cpu")
SMALL = dataclasses.replace(OPTIONS, workers=1, videos_per_part=2)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Seven clips, one of them twice, one broken."""
    folder = tmp_path_factory.mktemp("several")
    made = [make_clip(folder / f"{number}.mp4", seconds=0.5 + 0.25 * number, size=(96, 72)) for number in range(6)]
    (folder / "broken.mp4").write_text("not a video")
    copy = folder / "copy.mp4"
    copy.write_bytes(made[2].read_bytes())
    return [(path, video_of(path)) for path in [*made[:4], copy, folder / "broken.mp4", *made[4:]]]


def lacking(folder, videos, names=NAMES, experts=None):
    """What the stores in `folder` lack of the videos."""
    store.forget_scans()
    contents = {video.content for _, video in videos}
    experts = experts or [named(name) for name in names]
    return [
        Wanted(one, folder / one.name, frozenset(contents - store.rows(folder / one.name).keys())) for one in experts
    ]


def extract(devices, wanted, videos, options, progress=lambda done_s, total_s, stage: None):
    """All chunks on these devices; expert or device -> its first error."""
    nowhere = Path("nowhere")
    jobs = chunk_jobs(wanted, videos, Terms("some", Folders(nowhere, nowhere, nowhere), WeightOptions(), options))
    total_s = total_video_s(wanted, videos)
    run = RunOptions(devices, tuple(wanted), lambda done_s, stage: progress(done_s, total_s, stage))
    errors = {}
    for outcome in load_executor(EngineOptions(), run).outcomes(jobs, lambda: False):
        errors = {**outcome.errors, **errors}
    return errors


@pytest.mark.parametrize("devices", [("cpu",), TWO])
def test_one_device_or_one_part_starts_no_process(videos, tmp_path, monkeypatch, devices):
    monkeypatch.setattr(module, "DeviceProcess", None)
    per_part = 2 if len(devices) == 1 else len(videos)
    with inline_jobs():
        wanted = lacking(tmp_path, videos)
        assert extract(devices, wanted, videos, dataclasses.replace(SMALL, videos_per_part=per_part)) == {}
    assert not any(item.keys for item in lacking(tmp_path, videos))


@pytest.mark.slow
def test_two_processes_give_the_same_rows_and_bits_as_one(videos, tmp_path):
    told = []
    experts = [*NAMES, "face_light"]
    assert extract(TWO, lacking(tmp_path / "two", videos, experts), videos, SMALL, lambda *at: told.append(at)) == {}
    with inline_jobs():
        assert extract_on_one(lacking(tmp_path / "one", videos, experts), videos, SMALL) == {}
    total_s = sum(video.duration_s for _, video in {video.content: (0, video) for _, video in videos}.values())
    assert told[-1][:2] == pytest.approx((total_s, total_s))
    assert [done_s for done_s, _, _ in told] == sorted(done_s for done_s, _, _ in told)
    for name in experts:
        one, two = store.rows(tmp_path / "one" / name), store.rows(tmp_path / "two" / name)
        assert one == two
        assert len(one) == 7, "a copy has the row of what it is a copy of"
        assert [row.failed for row in one.values()].count(True) == 1
        for _, video in videos:
            expected, found = (features_of(tmp_path / which, named(name), video) for which in ("one", "two"))
            assert found.values.tobytes() == expected.values.tobytes(), (name, video.video_id)
            assert found.times_s.tobytes() == expected.times_s.tobytes(), (name, video.video_id)


def double(name, kind):
    """rgb_light with another class, under another name."""
    expert = named("rgb_light")
    return dataclasses.replace(expert, name=name, extractor=kind(expert.extractor.params))


@pytest.mark.slow
def test_a_killed_process_is_told_and_costs_what_it_had_not_published(videos, tmp_path, monkeypatch):
    monkeypatch.setenv("KILLED_MARK", str(tmp_path / "mark"))
    killed = functools.partial(lacking, tmp_path, videos, experts=[double("killed", faulty_experts.Killed)])
    errors = extract(TWO, killed(), videos, SMALL)
    (error,) = errors.values()
    assert isinstance(error, ExtractionError)
    assert str(error).startswith("the process on cpu was killed by SIGKILL (the system does so when memory is short")
    (wanted,) = killed()
    # The part that it was about to publish, what it had begun to decode, and the broken file, which is not decoded.
    assert 1 <= len(wanted.keys) <= 2 * SMALL.videos_per_part + 1, "the other process went on with all the rest"
    assert extract(TWO, killed(), videos, SMALL) == {}
    assert not killed()[0].keys


@pytest.mark.slow
def test_an_expert_that_fails_is_told_once_and_the_others_are_kept(videos, tmp_path):
    wanted = functools.partial(
        lacking, tmp_path, videos, experts=[named("rgb_light"), double("failing", faulty_experts.Failing)]
    )
    errors = extract(TWO, wanted(), videos, SMALL)
    assert list(errors) == ["failing"]
    assert type(errors["failing"]) is RuntimeError, "in place of an error that cannot be sent"
    assert "faulty_experts.py" in str(errors["failing"]), "where it happened is told"
    assert [len(item.keys) for item in wanted()] == [0, 7]


SCRIPT = """
import sys
from pathlib import Path

from tests.extractors.run_experts import video_of
from tests.extractors.executors.test_local import SMALL, TWO, double, extract, faulty_experts, lacking

if __name__ == "__main__":
    folder, store = Path(sys.argv[1]), Path(sys.argv[2])
    videos = [(path, video_of(path)) for path in sorted(folder.glob("?.mp4"))]
    wanted = lacking(store, videos, experts=[double("slow", faulty_experts.Slow)])
    try:
        extract(TWO, wanted, videos, SMALL, lambda done_s, of_s, stage: done_s and print("seen", flush=True))
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.fixture
def at_work(videos, tmp_path):
    """A pass by two processes that has begun; its output ends when the last of its processes has."""
    (tmp_path / "run.py").write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(videos[0][0].parent), str(tmp_path / "store")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == "seen\n"
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_without_a_word_from_them(at_work):
    os.killpg(at_work.pid, signal.SIGINT)
    output, errors = at_work.communicate(timeout=60)
    assert output.splitlines()[-1] == "stopped"
    assert errors == ""


@pytest.mark.slow
def test_when_the_parent_is_killed_the_others_end(at_work):
    at_work.kill()
    _, errors = at_work.communicate(timeout=60)
    assert "Traceback" not in errors
