"""What the steps measure with: waits, kernels, clips, and the tests that they count."""

import functools
import itertools
import json
import subprocess
import sys
import time
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu import checks, experts, fused, kernels
from benchmarks.gpu.experts import item_of, reason_of
from benchmarks.gpu.kernels import in_kernels, is_copy, peak_mb, timed
from benchmarks.gpu.search import BEST, OnDevice, agreement
from benchmarks.gpu.videos import clips
from benchmarks.gpu.waits import Waits, watched
from benchmarks.search_index import exact
from extractors.base import AudioNeed, FrameNeed, JointNeed, SpreadNeed, SubtitleNeed
from extractors.extraction import one_pass
from extractors.extraction.watch import Watch
from pipeline.errors import ExtractionError
from pipeline.media.video import probe
from search.index.vectors import Query, Vectors


def test_waits_are_told_on_both_sides_of_the_one_who_packs(monkeypatch):
    """Decoding takes 0.05 s an item, the networks 0.2 s; he asks for their result when he has three items."""

    def slowly(*told):
        for number in range(3):
            time.sleep(0.05)
            yield number

    monkeypatch.setattr(one_pass, "run_jobs", slowly)
    with watched() as waits:
        networks = one_pass.NetworkThread()
        futures = [networks.submit(lambda: time.sleep(0.2) or 7, "a") for _ in one_pass.run_jobs()]
        assert [Watch().result(future, str) for future in futures] == [7, 7, 7]
        networks.stop()
    assert 0.15 <= waits.for_decoding_s < 0.3
    assert 0.6 <= waits.networks_s < 0.8
    assert 0.45 <= waits.for_networks_s < 0.65
    assert waits.wall_s >= waits.for_decoding_s + waits.for_networks_s
    assert one_pass.run_jobs is slowly, "nothing is watched any more"


def test_shares_are_of_the_wall_time_and_networks_without_work_are_idle():
    told = Waits(wall_s=10.0, for_decoding_s=4.0, for_networks_s=2.5, networks_s=6.5).shares()
    assert told == {"waiting_for_decoding": 0.4, "waiting_for_networks": 0.25, "networks_idle": 0.35}
    assert Waits(wall_s=1.0, networks_s=1.2).shares()["networks_idle"] == 0


def test_an_error_of_the_networks_reaches_the_one_who_waits():
    future = Future()
    future.set_exception(ZeroDivisionError())
    with watched() as waits, pytest.raises(ZeroDivisionError):
        Watch().result(one_pass.NetworkThread().submit(lambda: 1 / 0, "a"), str)
    assert waits.for_networks_s >= 0


def test_work_is_done_until_the_time_is_over_and_at_least_once():
    times, wall_s = timed(lambda: time.sleep(0.02), 0.1, "cpu")
    assert 2 <= times <= 6
    assert wall_s >= 0.1
    assert timed(lambda: None, 0.0, "cpu")[0] == 1


@pytest.mark.slow
def test_shares_of_kernels_are_those_of_the_profiler(monkeypatch):
    """A CPU's events in place of a GPU's: their names and times are what is read."""
    on_cpu = functools.partial(profile, activities=[ProfilerActivity.CPU])
    monkeypatch.setattr(torch.profiler, "profile", lambda activities: on_cpu())
    monkeypatch.setattr(kernels, "synchronise", lambda device: None)
    (event, *_) = run_profiled(on_cpu).events()
    assert event.time_range.start < event.time_range.end
    assert (event.device_type.name, isinstance(event.name, str)) == ("CPU", True)
    told = in_kernels(lambda: torch.ones(50, 50) @ torch.ones(50, 50), "cuda:0")
    assert told == {"kernels": 0.0, "copies": 0.0}, "nothing ran on a GPU"
    assert in_kernels(lambda: None, "cpu") is None
    assert peak_mb("cpu") is None


def run_profiled(on_cpu):
    with on_cpu() as profiler:
        torch.ones(2) + 1
    return profiler


def test_copies_are_no_kernels():
    named = [SimpleNamespace(name=name) for name in ("Memcpy HtoD (Pinned -> Device)", "Memset (Device)", "sgemm_128")]
    assert [is_copy(event) for event in named] == [True, True, False]


def test_items_are_named_after_what_an_expert_is_shown():
    needs = (FrameNeed(1.0), FrameNeed(8.0, window=17), AudioNeed(16000, 30.0, 30.0), SubtitleNeed())
    assert [item_of(need) for need in needs] == ["frame", "window of 17 frames", "30 s of sound", "word"]
    spread = SpreadNeed(16, clip_s=10.0)
    assert item_of(SpreadNeed(8)) == "8 frames spread over the video"
    assert item_of(JointNeed(spread, needs[2])) == "16 frames spread over 10 s and 30 s of sound"


def test_a_package_that_is_missing_is_named_and_any_other_error_is_one_line():
    assert (
        reason_of(ModuleNotFoundError("No module named 'easyocr'", name="easyocr")) == "the package easyocr is missing"
    )
    assert reason_of(ExtractionError("first line\nsecond")) == "ExtractionError: first line"


def test_what_cannot_be_measured_is_left_out_by_name_and_the_others_go_on(monkeypatch, tmp_path):
    told = {"kept": [], "left_out": {}}
    figures = SimpleNamespace(
        keep=lambda name, value: told["kept"].append(name),
        leave_out=lambda name, reason: told["left_out"].update({name: reason}),
        told={"figures": {"good": 1, "last": 1}},
    )

    def measured(expert, videos, case):
        if expert == "easyocr":
            raise ModuleNotFoundError(name="easyocr")
        if expert == "broken":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 1

    monkeypatch.setattr(experts, "measured", measured)
    monkeypatch.setattr(experts, "expert_called", lambda name: name)
    monkeypatch.setattr(experts, "videos_of", lambda *told: [])
    left = itertools.chain([100.0, 90.0, 80.0, 70.0], itertools.repeat(1.0))
    sizes = SimpleNamespace(experts=("good", "easyocr", "broken", "last", "late"), clip_s=1.0, most_clips=0)
    case = SimpleNamespace(work=str(tmp_path), sizes=sizes, device="cpu", small=False, left_s=lambda: next(left))
    experts.work(case, figures)
    assert told["kept"] == ["good", "last"]
    assert told["left_out"] == {
        "easyocr": "the package easyocr is missing",
        "broken": "OutOfMemoryError: CUDA out of memory",
        "late": "no time left",
    }


def test_clips_are_copies_of_one_with_sound_and_as_long_as_asked(tmp_path):
    paths = clips(tmp_path, (160, 120), 1.0, 3)
    assert len({path.name for path in paths}) == 3
    assert len({path.read_bytes() for path in paths}) == 1
    info = probe(paths[0])
    assert info.has_video
    assert info.has_audio
    assert info.duration_s == pytest.approx(1.0, abs=0.1)
    assert clips(tmp_path, (160, 120), 1.0, 2) == paths[:2]


def test_the_search_on_the_device_finds_what_the_program_finds():
    """Videos without an expert, and without any, among them."""
    chance = np.random.default_rng(0)
    of = tuple(chance.standard_normal((300, dim)).astype(np.float32) for dim in (4, 6))
    present = chance.random((300, 2)) < 0.6
    videos = Vectors(("a", "b"), of, present)
    asked = [Query(tuple(part[row] for part in of), np.array([0.3, 0.7], np.float32)) for row in range(5)]
    found = list(OnDevice(videos, "cpu").best(asked))
    right = [exact(videos, query) for query in asked]
    assert agreement(right, found) == 1
    assert agreement(right, [one[::-1] + 1000 for one in found]) == 0
    assert len(found[0]) == BEST


def test_every_test_for_a_gpu_is_among_those_that_are_run():
    names = {path.relative_to(checks.ROOT).as_posix() for path in checks.files()}
    assert names >= {
        "tests/gpu/test_experts.py", "tests/gpu/test_pass.py", "tests/gpu/test_training.py",
        "tests/extractors/networks/test_device.py", "tests/extractors/networks/test_whisper_decoding.py",
        "tests/models/inputs/test_batches.py",
    }  # fmt: skip


def counted(folder, source, limit_s, *more):
    """Whether the tests ended, and what is told of them."""
    (folder / "test_some.py").write_text(source)
    plain = ["-p", "no:cacheprovider", "-c", "/dev/null", f"--rootdir={folder}", "-p", "benchmarks.gpu.outcomes"]
    report = folder / "tests.json"
    command = [sys.executable, "-m", "pytest", *plain, f"--outcomes={report}", *more, str(folder / "test_some.py")]
    ended = checks.run_until(command, limit_s)
    return ended, json.loads(report.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("-n", "2")])
def test_what_became_of_each_test_is_counted(tmp_path, more):
    source = """
import pytest
def test_one(): pass
def test_two(): assert False
def test_three(): pytest.skip("no GPU here")
@pytest.mark.skip(reason="no GPU here")
def test_four(): pass
@pytest.mark.xfail(reason="known")
def test_six(): assert False
@pytest.fixture
def bad(): raise ValueError
def test_five(bad): pass
"""
    ended, told = counted(tmp_path, source, 60, *more)
    assert ended
    assert told["passed"] == 1
    assert sorted(told["failed"]) == ["test_some.py::test_five", "test_some.py::test_two"]
    assert told["skipped"] == {"no GPU here": 2, "known": 1}


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("-n", "2")])
def test_tests_that_take_too_long_are_interrupted_and_count_neither_as_passed_nor_as_failed(tmp_path, more):
    source = "import time\ndef test_quick(): pass\ndef test_late(): time.sleep(200)\n"
    ended, told = counted(tmp_path, source, 20, *more)
    assert not ended
    assert told == {"passed": 1, "failed": [], "skipped": {}}
    assert checks.run_until([sys.executable, "-c", "pass"], 60)


def test_what_runs_side_by_side_on_a_gpu_counts_once():
    def event(name, start, end, kind="CUDA"):
        span = SimpleNamespace(start=start, end=end)
        return SimpleNamespace(name=name, device_type=SimpleNamespace(name=kind), time_range=span)

    events = [
        event("sgemm", 10, 20), event("conv", 15, 30), event("conv", 16, 18), event("Memcpy HtoD", 25, 45),
        event("aten::conv2d", 0, 100, "CPU"), event("sgemm", 60, 65),
    ]  # fmt: skip
    assert kernels.shares(events, 100.0) == {"kernels": 0.25, "copies": 0.15}
    assert kernels.shares([], 100.0) == {"kernels": 0.0, "copies": 0.0}


@pytest.mark.parametrize("step", ["experts", "fused"])
def test_what_the_workers_import_of_a_step_does_not_import_torch(step):
    """Each of them imports the program that started it: torch would take seconds of the start that is measured."""
    code = f"import sys, benchmarks.gpu.{step}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=checks.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_expert_in_another_precision_is_laid_out_for_it(monkeypatch):
    """As where its YAML had said so: by what it would be moved with, since here is no GPU."""
    expert = experts.expert_called("rgb_resnet50")
    expert.extractor.network, moved = torch.nn.Conv2d(1, 1, 1), []

    def move(network, device, is_channels_last):
        moved.append((device, is_channels_last))
        return network

    monkeypatch.setattr(fused, "network_to_device", move)
    with_tf32 = fused.in_precision(expert, "tf32", "cuda:0")
    assert (with_tf32.config.precision, with_tf32.extractor.precision) == ("tf32", "tf32")
    assert fused.in_precision(with_tf32, "fp32", "cuda:0").config.precision == "fp32"
    assert moved == [("cuda:0", True), ("cuda:0", False)]
