"""What the command line prints and leaves behind, in processes of their own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from pipeline.stores import atomic
from tasks import EvaluateCE, dataset_task
from tests.tasks.project import CONFIGS


def test_a_command_with_nothing_to_do_says_so_and_shows_the_report(project):
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "tiny")
    assert (code, errors) == (0, "")
    assert output.startswith("Nothing to do: ")
    assert "tiny, test split: 3 captions, 3 videos" in output
    assert re.search(r"^Report: .*report\.html$", output, re.MULTILINE)


@pytest.mark.slow
def test_a_command_with_something_to_do_does_it_and_shows_the_report(project):
    project.edit("experts", "rgb_light", params__fps=3.0)
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "tiny")
    assert code == 0
    assert "Extracting rgb_light" in output
    assert "Nothing to do" not in output
    assert "tiny, test split" in output
    assert "Traceback" not in errors


def test_a_run_without_work_imports_no_heavy_library(project):
    script = (
        "import sys\n"
        "from luigi.cmdline import luigi_run\n"
        "try:\n"
        "    luigi_run(['--module', 'tasks', 'EvaluateCE', '--dataset', 'tiny'])\n"
        "except SystemExit as end:\n"
        "    heavy = {'torch', 'av', 'decord', 'cv2', 'zarr', 'librosa', 'matplotlib', 'scipy'}\n"
        "    print('heavy:', sorted(heavy & sys.modules.keys()), end.code)\n"
    )
    project.run_command("--help")  # writes the settings
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CONFIGS.parent,
        env=os.environ | {"LUIGI_CONFIG_PATH": str(project.root / "command.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[0].startswith("Nothing to do"), done.stderr
    assert done.stdout.splitlines()[-1] == "heavy: [] 0"


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["features", "runs"])
def test_a_kill_9_at_any_moment_costs_nothing_but_time(project, stage):
    project.edit("models", "tiny", training__epochs=150, runtime__checkpoint_s=0.0)
    for kind in ("features", "runs", "reports"):
        shutil.rmtree(project.data / "store" / kind)
    process = project.start_command("EvaluateCE", "--dataset", "tiny", start_new_session=True)
    pattern = {"features": "features/rgb_light/*/part-*", "runs": "runs/tiny/tiny/*/state.safetensors"}[stage]
    until = time.monotonic() + 100
    while not list((project.data / "store").glob(pattern)) and time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not list(project.data.glob("store/reports/*/*/*/recipe.json")), "it was killed half-way"
    code, _, errors = project.run_command("EvaluateCE", "--dataset", "tiny")
    assert code == 0, errors
    disturbed = project.report(), project.values("rgb_light")
    for kind in ("features", "runs", "reports"):
        shutil.rmtree(project.data / "store" / kind)
    assert project.run_command("EvaluateCE", "--dataset", "tiny")[0] == 0
    report, values = project.report(), project.values("rgb_light")
    assert disturbed[0]["training"] == report["training"]
    assert disturbed[0]["t2v"] == report["t2v"]
    np.testing.assert_array_equal(disturbed[1], values)


@pytest.mark.slow
def test_a_run_that_has_nothing_to_do_loads_no_network_library(project):
    settings = project.root / "command.cfg"
    settings.write_text(f"[Paths]\ndata = {project.data}\nconfigs = {project.configs}\n")
    code = (
        "import sys, luigi, tasks\n"
        "assert luigi.build([tasks.EvaluateCE(dataset='tiny')], local_scheduler=True)\n"
        "print(sorted({'torch', 'zarr', 'jinja2', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CONFIGS.parent,
        env={"LUIGI_CONFIG_PATH": str(settings), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_result_that_another_run_makes_is_waited_for_and_not_made_twice(project, monkeypatch):
    (report,) = project.data.glob("store/reports/tiny/*/*")
    kept = report.rename(project.root / "made")
    inode = (kept / "report.json").stat().st_ino
    begun, waited = threading.Event(), threading.Event()

    def make():
        with atomic.exclusive(report, lambda: None):
            begun.set()
            waited.wait(60)
            for path in kept.iterdir():
                path.rename(report / path.name)

    monkeypatch.setattr(dataset_task, "say", lambda line: waited.set() if line.startswith("Another run") else None)
    other = threading.Thread(target=make)
    other.start()
    begun.wait(60)
    assert project.attempt(EvaluateCE, dataset="tiny")[1]
    other.join()
    assert waited.is_set()
    assert (report / "report.json").stat().st_ino == inode
