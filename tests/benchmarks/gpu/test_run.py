import json
import os
import subprocess
import sys
import time

import pytest

from benchmarks.gpu import run as module
from benchmarks.gpu.run import STEPS, TOTAL_S, Step, cut, ended, keep, last_line, taken
from benchmarks.gpu.sizes import SEVEN, SMALL
from benchmarks.gpu.step import Case, Figures
from tests.conftest import ROOT

MACHINE = {"gpu": "none", "date": "2026-12-01", "cores": 2}


def case(folder, small=False):
    return Case(small, "cpu", str(folder), "", 0.0)


def program(monkeypatch, source):
    """Every step is this program from now on; `result` in it is the file of its figures."""
    code = f"import json, sys, time, subprocess\nresult = json.loads(sys.argv[1])['result']\n{source}"
    told = Case.command
    monkeypatch.setattr(Case, "command", lambda self, name: [sys.executable, "-c", code, told(self, name)[-1]])


TELL = "open(result, 'w').write(json.dumps({'figures': {'a': {'b': 1}}, 'left_out': {'c': 'd'}}))\n"


def test_what_a_step_measured_is_kept_with_what_it_left_out(tmp_path, monkeypatch):
    program(monkeypatch, TELL)
    told = taken(Step("x", 60, 1), 60, case(tmp_path), tmp_path)
    assert (told["status"], told["figures"], told["left_out"]) == ("done", {"a": {"b": 1}}, {"c": "d"})
    assert (tmp_path / "x.log").exists()


def test_a_step_that_fails_says_why_and_keeps_what_it_had_measured(tmp_path, monkeypatch):
    program(monkeypatch, TELL + "raise RuntimeError('no kernel image')")
    told = taken(Step("x", 60, 1), 60, case(tmp_path), tmp_path)
    assert told["status"] == "failed with 1; RuntimeError: no kernel image"
    assert told["figures"] == {"a": {"b": 1}}


def test_a_step_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    late = f"import time; time.sleep(4); open({str(mark)!r}, 'w')"
    program(monkeypatch, f"{TELL}subprocess.Popen([sys.executable, '-c', {late!r}])\ntime.sleep(60)")
    began = time.monotonic()
    told = taken(Step("x", 60, 1), 2, case(tmp_path), tmp_path)
    assert time.monotonic() - began < 30
    assert told["status"].startswith("out of time after 2 s")
    assert told["figures"] == {"a": {"b": 1}}
    time.sleep(5)
    assert not mark.exists()


def test_a_step_for_which_no_time_is_left_is_named_and_not_started(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ended", None)
    told = taken(Step("x", 60, 30), 12, case(tmp_path), tmp_path)
    assert told["status"] == "not run: 12 s were left"


def test_the_time_is_enough_for_the_least_of_every_step_and_no_step_may_take_it_all():
    assert sum(step.least_s for step in STEPS) < TOTAL_S
    assert all(step.least_s < step.most_s < TOTAL_S / 2 for step in STEPS)
    assert len(STEPS) + len({"gpu.json", "gpu.md"}) <= 8, "as many files come back at most"
    assert SEVEN == ("rgb", "flow", "audio", "face", "ocr", "speech", "scene")


def test_a_log_that_is_too_long_keeps_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_LOG_BYTES", 100)
    (tmp_path / "x.log").write_text("begin" + 200 * "." + "\nthe end\n\n")
    cut(tmp_path / "x.log")
    assert (tmp_path / "x.log").stat().st_size == 100
    assert last_line(tmp_path / "x.log") == "the end"


def test_a_program_that_cannot_be_interrupted_is_ended_all_the_same(tmp_path):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    with (tmp_path / "log").open("w") as log:
        assert ended([sys.executable, "-c", stubborn], 1, log) == "out of time after 1 s"


def test_figures_are_whole_at_every_moment_and_kept_under_the_name_of_the_gpu(tmp_path):
    figures = Figures(tmp_path / "x.json")
    figures.keep("a", {"b": 1.5})
    figures.leave_out("c", "no time left")
    step = json.loads((tmp_path / "x.json").read_text())
    assert step == {"figures": {"a": {"b": 1.5}}, "left_out": {"c": "no time left"}}
    steps = {"search": {"status": "done", "took_s": 1.0, **step}}
    keep({"machine": MACHINE | {"gpu": "NVIDIA H200"}, "small": False, "steps": steps}, tmp_path)
    assert list(json.loads((tmp_path / "gpu.json").read_text())) == ["NVIDIA H200"]
    assert "- left out: c: no time left" in (tmp_path / "gpu.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"x.json", "gpu.json", "gpu.md"}


@pytest.mark.slow
def test_without_a_gpu_it_ends_at_once_and_says_what_can_be_run(tmp_path):
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.gpu.run", str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "Without a GPU only --small can be run" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_steps_run_on_the_cpu_on_as_little_as_shows_that_they_do(tmp_path):
    """What it takes is told, not tested: other programs share the cores. On two idle ones it is under two minutes."""
    environment = os.environ | {"PYTHON": sys.executable, "WHEELS": str(tmp_path / "none"), "COMMIT": "0123abc"}
    command = [str(ROOT / "benchmarks/on_gpu.sh"), str(tmp_path / "out"), "--small", "--total-s", "800"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    logs = "\n".join(path.read_text()[-1500:] for path in (tmp_path / "out").glob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    (run,) = json.loads((tmp_path / "out/gpu.json").read_text()).values()
    assert run["small"]
    assert run["machine"]["commit"] == "0123abc"
    assert run["machine"].keys() >= {"gpu", "driver", "cuda", "torch", "cpu", "cores", "date"}
    assert {name: step["status"] for name, step in run["steps"].items()} == {step.name: "done" for step in STEPS}
    figures = {name: step["figures"] for name, step in run["steps"].items()}
    assert figures["checks"]["tests"]["passed"] == 2
    assert figures["checks"]["tests"]["failed"] == []
    assert figures["experts"].keys() == set(SMALL.experts)
    for one in figures["experts"].values():
        assert one["alone"]["items_per_s"] > 0
        assert_a_pass(one["pass"])
    assert figures["fused"]["all in one pass"]["experts"] == list(SMALL.fused)
    for passed in ("all in one pass", "all in one pass, tf32", "all at 720p"):
        assert_a_pass(figures["fused"][passed])
    assert figures["training"]["bf16, batch 8"]["epoch_s"] > 0
    assert figures["training"]["metrics, t2v"]["captions"] == 20 * SMALL.metrics_videos
    assert figures["search"]["exact, on the device"]["same_best"] == 1
    assert figures["search"]["exact, on the device"]["p50_ms"] > 0
    assert len(list((tmp_path / "out").iterdir())) <= 8
    assert "All in one pass: done" in done.stdout


def assert_a_pass(told):
    assert told["times_real_time"] > 0
    assert told["wall_s"] > 0
    assert all(0 <= share <= 1.01 for share in told["waits"].values())
