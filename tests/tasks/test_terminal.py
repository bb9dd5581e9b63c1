import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from luigi.parameter import MissingParameterException

from pipeline import parts, store
from pipeline.errors import ConfigError, ExtractionError
from tasks import terminal
from tests.tasks.project import CONFIGS, forget_everything

MISTAKES = {
    "no such dataset": (["EvaluateCE", "--dataset", "tinny"], "no tiny.yaml"),
    "no dataset": (["EvaluateCE"], "requires the 'dataset' parameter to be set"),
    "no such task": (["EvaluateCEE", "--dataset", "tiny"], "No task EvaluateCEE; there are: "),
    "bad seeds": (["EvaluateCE", "--dataset", "tiny", "--seeds", "0,one"], "--seeds 0,one: expected whole numbers"),
    "a seed twice": (["EvaluateCE", "--dataset", "tiny", "--seeds", "0,1,0"], "--seeds 0,1,0: names a seed twice"),
    "a bad seed": (["TrainCE", "--dataset", "tiny", "--seed", "one"], "'one'"),
    "no such split": (["EvaluateCE", "--dataset", "tiny", "--split", "dev"], "dev is not a valid choice"),
    "no such model": (["EvaluateCE", "--dataset", "tiny", "--model", "tinny"], "did you mean 'tiny'?"),
    "no such expert": (["ExtractExpert", "--dataset", "tiny", "--expert", "rgb_lite"], "did you mean 'rgb_light'?"),
    "no such expert of a model": (
        ["EvaluateCE", "--dataset", "tiny", "--experts", "rgb_lite"],
        "did you mean 'rgb_light'?",
    ),
    "a broken yaml": (
        ["EvaluateCE", "--dataset", "broken"],
        "broken.yaml: unknown key 'vidoes' (did you mean 'videos'?)",
    ),
    "no videos": (
        ["EvaluateCE", "--dataset", "nowhere"],
        "nowhere: no such folder; see 'videos' in the dataset's YAML",
    ),
    "no demo": (["MakeDemo", "--dataset", "tiny"], "tiny.yaml has no 'demo' block"),
}
MISTAKES["no such dataset"] = (MISTAKES["no such dataset"][0], "no tinny.yaml in ")


MANY = """
import json, os, sys, tempfile
from luigi.cmdline import luigi_run
import tasks

for line in sys.stdin.read().splitlines():
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        pid = os.fork()
        if not pid:
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            code = 1
            try:
                luigi_run(json.loads(line))
            except SystemExit as end:
                code = end.code
            except BaseException:
                sys.excepthook(*sys.exc_info())
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 1)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for file in (output, errors):
            file.seek(0)
        print(json.dumps([code, output.read(), errors.read()]))
"""
"""Many commands, each in a process of its own, for the price of one start."""


@pytest.fixture(scope="module")
def told(finished):
    """Each mistake from the command line: (exit code, output, errors)."""
    project, kept, _ = finished
    project.restore(kept)
    project.write_config("datasets", "broken", {"vidoes": "x"})
    project.write_config("datasets", "nowhere", {"videos": str(project.root / "nowhere"), "model": "tiny"})
    project.say("--help")  # writes the settings
    lines = [json.dumps(["--module", "tasks", *words]) for words, _ in MISTAKES.values()]
    told = subprocess.run(
        [sys.executable, "-c", MANY],
        cwd=CONFIGS.parent,
        env=os.environ | {"LUIGI_CONFIG_PATH": str(project.root / "command.cfg")},
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(MISTAKES, map(json.loads, told.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line_and_the_exit_code_is_not_0(told, name):
    code, output, errors = told[name]
    said = MISTAKES[name][1]
    assert code != 0
    assert "Traceback" not in output + errors
    lines = [line for line in errors.splitlines() if line.strip()]
    assert len(lines) == 1, errors
    assert lines[0].startswith("ERROR: ")
    assert said in lines[0]


def test_the_nearest_dataset_is_named(told):
    assert "did you mean 'tiny'?" in told["no such dataset"][2]


def test_every_task_is_named_when_one_is_not_known(told):
    names = told["no such task"][2].split("there are: ")[1].strip().split(", ")
    assert {"MakeDemo", "BuildManifest", "ExtractExpert", "EncodeText", "TrainCE", "EvaluateCE", "Status"} <= set(names)
    assert not {"Task", "Config", "DatasetTask", "ModelTask", "Paths", "Extraction"} & set(names)


def test_a_mistake_is_told_so_by_the_command_itself(project):
    code, output, errors = project.say("EvaluateCE", "--dataset", "tinny")
    assert (code, output) == (35, "")
    assert errors.startswith("ERROR: no tinny.yaml in ")
    assert errors.endswith("(did you mean 'tiny'?)\n")


def test_a_command_with_nothing_to_do_says_so_and_shows_the_report(project):
    code, output, errors = project.say("EvaluateCE", "--dataset", "tiny")
    assert (code, errors) == (0, "")
    assert output.startswith("Nothing to do: ")
    assert "tiny, test split: 3 captions, 3 videos" in output
    assert re.search(r"^Report: .*report\.html$", output, re.MULTILINE)


@pytest.mark.slow
def test_a_command_with_something_to_do_does_it_and_shows_the_report(project):
    project.edit("experts", "rgb_light", params__fps=3.0)
    code, output, errors = project.say("EvaluateCE", "--dataset", "tiny")
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
    project.say("--help")  # writes the settings
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CONFIGS.parent,
        env=os.environ | {"LUIGI_CONFIG_PATH": str(project.root / "command.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.splitlines()[0].startswith("Nothing to do"), told.stderr
    assert told.stdout.splitlines()[-1] == "heavy: [] 0"


def test_a_failing_task_is_told_in_one_line_and_fails_the_command(project):
    (project.videos / "broken.mp4").write_text("not a video")
    code, output, errors = project.say("EvaluateCE", "--dataset", "tiny")
    assert code == 30
    assert "Traceback" not in output + errors
    (line,) = [line for line in errors.splitlines() if line.startswith("ERROR: ")]
    assert "failed on 1 of 15 videos of tiny, e.g.: broken.mp4: Invalid data found" in line
    assert "max_failed_fraction" in line


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["features", "runs"])
def test_a_kill_9_at_any_moment_costs_nothing_but_time(project, stage):
    project.edit("models", "tiny", training__epochs=150, runtime__checkpoint_s=0.0)
    for kind in ("features", "runs", "reports"):
        shutil.rmtree(project.data / "store" / kind)
    process = project.command("EvaluateCE", "--dataset", "tiny", start_new_session=True)
    pattern = {"features": "features/rgb_light/*/part-*", "runs": "runs/tiny/tiny/*/state.safetensors"}[stage]
    until = time.monotonic() + 100
    while not list((project.data / "store").glob(pattern)) and time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not list(project.data.glob("store/reports/*/*/*/recipe.json")), "it was killed half-way"
    code, _, errors = project.say("EvaluateCE", "--dataset", "tiny")
    assert code == 0, errors
    disturbed = project.report(), _values(project)
    for kind in ("features", "runs", "reports"):
        shutil.rmtree(project.data / "store" / kind)
    assert project.say("EvaluateCE", "--dataset", "tiny")[0] == 0
    report, values = project.report(), _values(project)
    assert disturbed[0]["training"] == report["training"]
    assert disturbed[0]["t2v"] == report["t2v"]
    np.testing.assert_array_equal(disturbed[1], values)


def _values(project):
    forget_everything()
    (folder,) = {part.parent for part in project.feature_parts("rgb_light")}
    keys = sorted(store.rows(folder))
    return np.concatenate([parts.read_features(folder, key).values for key in keys])


def logged(error):
    """What the log says of an error."""
    try:
        raise error
    except BaseException as raised:
        record = logging.LogRecord(
            "luigi", logging.ERROR, __file__, 1, "Task failed", (), (type(raised), raised, raised.__traceback__)
        )
    assert terminal._OneLine().filter(record)
    return logging.Formatter("%(message)s").format(record)


def test_a_users_mistake_is_logged_in_one_line():
    assert logged(ConfigError("x.yaml: key 'fps'")) == "x.yaml: key 'fps'"
    assert logged(MissingParameterException("no dataset")) == "no dataset"
    both = ExceptionGroup("experts that failed", [ExtractionError("one"), ExtractionError("two")])
    assert logged(both).split("\n") == ["one", "       two"]


@pytest.mark.parametrize(
    "error",
    [ValueError("a bug"), KeyError("x"), ExceptionGroup("mixed", [ExtractionError("one"), ValueError("a bug")])],
)
def test_a_bug_is_logged_with_its_traceback(error):
    assert "Traceback" in logged(error)


def test_brackets_in_a_table_are_kept(capsys):
    terminal.table("a [title]", ["name", "number"], [("[bold]x[/bold] [0]", "1"), ("a\\b", "2")])
    output = capsys.readouterr().out
    assert "[bold]x[/bold] [0]" in output
    assert "a\\b" in output


def test_a_bar_is_shown_only_for_work_that_is_there(capsys):
    with terminal.bar("Extracting", "video"):
        pass
    assert capsys.readouterr().err == ""
    with terminal.bar("Extracting", "video") as move:
        for done in (1, 2, 3):
            move(done, 3)
    assert "3/3" in capsys.readouterr().err


def test_a_bar_is_closed_by_an_error(capsys):
    with pytest.raises(ValueError, match="a bug"), terminal.bar("Extracting", "video") as move:
        move(1, 3)
        raise ValueError("a bug")
    assert capsys.readouterr().err.endswith("\n")
