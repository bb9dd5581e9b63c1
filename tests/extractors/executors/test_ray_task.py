import _thread
import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest

from extractors.executors import ray_task as module
from extractors.executors.ray_task import POISONED, Attempt, cancellable, extract_on_host, refuse_other_folders
from extractors.extraction.job import ChunkJob, Folders
from pipeline.errors import ConfigError
from pipeline.stores import recipes, store
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightOptions
from tests.clips import make_clip
from tests.conftest import ROOT
from tests.extractors.run_experts import OPTIONS, named, video_of

FIRST = Attempt(workers=1, on_gpu=False, is_again=False, is_last=False)
SECOND = dataclasses.replace(FIRST, is_again=True)


@pytest.fixture
def job(tmp_path):
    """A job of two videos for one expert, whose store has its recipe."""
    expert = named("rgb_light")
    videos = [
        make_clip(tmp_path / f"{name}.mp4", seconds=length, size=(96, 72)) for name, length in (("a", 0.5), ("b", 0.75))
    ]
    recipes.write_recipe(tmp_path / "store", expert.recipe)
    return ChunkJob(
        4,
        "digest",
        "some",
        tuple((path, video_of(path), ("rgb_light",)) for path in videos),
        {"rgb_light": fingerprint(expert.recipe)},
        {"rgb_light": tmp_path / "store"},
        Folders(tmp_path, tmp_path, ROOT / "configs"),
        WeightOptions(),
        dataclasses.replace(OPTIONS, device="cuda:7", workers=99),
    )


def test_the_host_extracts_with_its_own_device_and_workers(job, tmp_path):
    outcome = extract_on_host(job, FIRST)
    assert (outcome.number, outcome.errors, outcome.video_s) == (4, {}, pytest.approx(1.25, abs=0.1))
    assert store.rows(tmp_path / "store").keys() == {video.content for _, video, _ in job.videos}


@pytest.mark.parametrize(("given", "kept"), [("3", "3"), ("", None), (None, "1")])
def test_a_network_has_the_threads_that_it_has_in_a_local_run(monkeypatch, given, kept):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as Ray sets it for a task of one core
    main = vars(sys.modules["__main__"])
    monkeypatch.setitem(main, "__file__", main.get("__file__"))
    module._prepare(given)
    assert os.environ.get("OMP_NUM_THREADS") == kept


def test_what_was_published_before_a_process_was_lost_is_not_done_again(job, tmp_path):
    half = dataclasses.replace(job, videos=job.videos[:1])
    assert not extract_on_host(half, FIRST).errors
    for _ in range(2):  # then half is lacking, and then nothing
        outcome = extract_on_host(job, SECOND)
        assert (outcome.errors, outcome.video_s) == ({}, job.video_s)
    parts = [[row.key for row in store.rows_of(part)] for part in store.parts(tmp_path / "store")]
    assert sorted(parts) == sorted([video.content] for _, video, _ in job.videos)


def test_another_config_is_an_answer_and_not_a_crash(job):
    other = dataclasses.replace(job, experts={"rgb_light": "123456789abc"})
    error = extract_on_host(other, FIRST)
    assert isinstance(error, ConfigError)
    assert "123456789abc" in str(error)


def test_a_host_without_the_store_is_refused_before_it_writes_there(job, tmp_path):
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    error = extract_on_host(job, FIRST)
    assert isinstance(error, ConfigError)
    assert f"does not see {tmp_path / 'store'}" in str(error)
    assert not (tmp_path / "store").exists()


def test_a_host_without_the_videos_is_refused_before_it_calls_them_broken(job, tmp_path):
    for path, *_ in job.videos:
        path.unlink()
    with pytest.raises(ConfigError, match=r"does not see .*a\.mp4, nor any other video of its chunk"):
        refuse_other_folders(job)


def test_one_video_that_is_gone_is_a_row_with_a_reason(job, tmp_path):
    job.videos[0][0].unlink()
    assert not extract_on_host(job, FIRST).errors
    rows = store.rows(tmp_path / "store")
    assert [rows[video.content].failed for _, video, _ in job.videos] == [True, False]


def test_a_fault_of_the_host_is_its_error_in_the_outcome(job, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("no more processes")

    monkeypatch.setattr(module, "extract_chunk", broken)
    monkeypatch.setattr(module.platform, "node", lambda: "host-2")
    assert str(extract_on_host(job, FIRST).errors["host-2"]) == "no more processes"


def test_a_cancelled_chunk_is_asked_to_stop_and_nothing_is_raised(job, monkeypatch):
    def endless(job, stop):
        _thread.interrupt_main()  # as ray.cancel does
        until_s = time.monotonic() + 30
        while not stop() and time.monotonic() < until_s:
            time.sleep(0.01)
        return {} if stop() else {"rgb_light": RuntimeError("was not stopped")}

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(module, "extract_chunk", endless)
    assert not extract_on_host(job, FIRST).errors
    assert signal.getsignal(signal.SIGINT) is before


def test_a_later_chunk_is_not_stopped_by_the_cancellation_of_an_earlier_one():
    with cancellable() as is_cancelled:
        signal.raise_signal(signal.SIGINT)
        assert is_cancelled()
    with cancellable() as is_cancelled:
        assert not is_cancelled()


SCRIPT = """
import sys, types
from extractors.executors import ray_task
torch = types.ModuleType("torch")
calls = []
def synchronize():
    calls.append(0)
    if {poisoned}:
        raise RuntimeError("CUDA error: device-side assert triggered")
torch.cuda = types.SimpleNamespace(synchronize=synchronize)
sys.modules["torch"] = torch
ray_task.refuse_other_folders = lambda job: None
ray_task.extract_chunk = lambda job, stop: {errors}
ray_task.dataclasses.replace = lambda one, **changes: one
job = types.SimpleNamespace(number=1, video_s=1.0, options=None)
outcome = ray_task.extract_on_host(job, ray_task.Attempt(workers=1, on_gpu=True, is_again=False, is_last={is_last}))
print(sorted(outcome.errors))
"""


@pytest.mark.parametrize(
    ("poisoned", "is_last", "code"),
    [
        ("len(calls) > 1", False, POISONED),  # by this chunk: another process shall do it
        ("len(calls) > 1", True, 0),  # none could: the error is told
        ("True", True, POISONED),  # by an earlier chunk: this one is not even begun
        ("False", False, 0),
    ],
)
def test_a_process_whose_cuda_context_is_broken_ends(poisoned, is_last, code):
    script = SCRIPT.format(poisoned=poisoned, is_last=is_last, errors='{"rgb": RuntimeError("CUDA error")}')
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert done.stdout == ("" if code else "['rgb']\n")


def test_decode_workers_do_not_run_the_script_of_rays_worker(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(
        "import multiprocessing, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from extractors.executors import ray_task\n"
        "print('imported as', __name__, flush=True)\n"
        "if __name__ == '__main__':\n"
        "    ray_task._prepare(None)\n"
        "    process = multiprocessing.get_context('spawn').Process(target=print, args=('worked',))\n"
        "    process.start()\n"
        "    process.join()\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["imported", "as", "__main__", "worked"]
