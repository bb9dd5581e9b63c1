import errno
import json
import logging
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from luigi.parameter import MissingParameterException

from pipeline.errors import ConfigError, ExtractionError
from tasks.console import error_messages
from tasks.console.exit_status import MISTAKE
from tests.tasks.project import CONFIGS

MISTAKES = {
    "no such dataset": (["EvaluateCE", "--dataset", "tinny"], "no tiny.yaml"),
    "no dataset": (["EvaluateCE"], "EvaluateCE needs --dataset; there are: broken, nowhere, tiny"),
    "no such task": (
        ["EvaluateCEE", "--dataset", "tiny"],
        "no task EvaluateCEE (did you mean 'EvaluateCE'? there are: ",
    ),
    "bad seeds": (["EvaluateCE", "--dataset", "tiny", "--seeds", "0,one"], "--seeds 0,one: expected whole numbers"),
    "a seed twice": (["EvaluateCE", "--dataset", "tiny", "--seeds", "0,1,0"], "--seeds 0,1,0: names a seed twice"),
    "a bad seed": (["TrainCE", "--dataset", "tiny", "--seed", "one"], "'one'"),
    "no such split": (
        ["EvaluateCE", "--dataset", "tiny", "--split", "tset"],
        "--split tset: no such choice (did you mean 'test'?",
    ),
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
    "no task": ([], "no task was named (there are: "),
    "a task in lower case": (["evaluatece"], "no task evaluatece (did you mean 'EvaluateCE'?"),
    "an empty query": (["Search", "--dataset", "tiny", "--query", " "], "--query is empty"),
    "no such format": (["ExportExpert", "--dataset", "tiny", "--expert", "rgb_light", "--format", "json"], "'jsonl'?"),
    "no such project": (["EvaluateCE", "--dataset", "tiny", "--project", "/"], "--project /: no project folder"),
    "no demo": (["MakeDemo", "--dataset", "tiny"], "tiny.yaml has no 'demo' block"),
}
MISTAKES["no such dataset"] = (MISTAKES["no such dataset"][0], "no tinny.yaml in ")


RUN_MANY = """
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
def outcomes(finished):
    """Each mistake from the command line: (exit code, output, errors)."""
    project, kept, _ = finished
    project.restore(kept)
    project.write_config("datasets", "broken", {"vidoes": "x"})
    project.write_config("datasets", "nowhere", {"videos": str(project.root / "nowhere"), "model": "tiny"})
    project.run_command("--help")  # writes the settings
    lines = [json.dumps(["--module", "tasks", *words]) for words, _ in MISTAKES.values()]
    outcomes = subprocess.run(
        [sys.executable, "-c", RUN_MANY],
        cwd=CONFIGS.parent,
        env=os.environ | {"LUIGI_CONFIG_PATH": str(project.root / "command.cfg")},
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(MISTAKES, map(json.loads, outcomes.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line_and_the_exit_code_is_2(outcomes, name):
    code, output, errors = outcomes[name]
    expected = MISTAKES[name][1]
    assert code == MISTAKE == 2
    assert "Traceback" not in output + errors
    lines = [line for line in errors.splitlines() if line.strip()]
    assert len(lines) == 1, errors
    assert lines[0].startswith("ERROR: ")
    assert expected in lines[0]


def test_the_nearest_dataset_is_named(outcomes):
    assert "did you mean 'tiny'?" in outcomes["no such dataset"][2]


def test_every_task_is_named_when_one_is_not_known(outcomes):
    names = outcomes["no such task"][2].split("there are: ")[1].strip(")\n").split(", ")
    assert {"MakeDemo", "BuildManifest", "ExtractExpert", "EncodeText", "TrainCE", "EvaluateCE", "Status"} <= set(names)
    assert not {"Task", "Config", "DatasetTask", "ModelTask", "Paths", "Extraction"} & set(names)


def test_a_mistake_is_told_so_by_the_command_itself(project):
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "tinny")
    assert (code, output) == (2, "")
    assert errors.startswith("ERROR: no tinny.yaml in ")
    assert errors.endswith("(did you mean 'tiny'? there are: tiny)\n")


def test_a_failing_task_is_told_in_one_line_and_fails_the_command(project):
    (project.videos / "broken.mp4").write_text("not a video")
    code, output, errors = project.run_command("EvaluateCE", "--dataset", "tiny")
    assert code == 30
    assert "Traceback" not in output + errors
    (line,) = [line for line in errors.splitlines() if line.startswith("ERROR: ")]
    assert "failed on 1 of 15 videos of tiny, e.g.: broken.mp4: Invalid data found" in line
    assert "max_failed_fraction" in line


def logged(error):
    """What the log says of an error, as the first of its kind."""
    error_messages.printed.clear()
    try:
        raise error
    except BaseException as raised:
        record = logging.LogRecord(
            "luigi", logging.ERROR, __file__, 1, "Task failed", (), (type(raised), raised, raised.__traceback__)
        )
    assert error_messages._OneLineFilter().filter(record)
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


REFUSED = {
    "read-only": (OSError(errno.EROFS, "x", "/mnt/store"), "/mnt/store: Read-only file system. Mount it for writing"),
    "full": (OSError(errno.ENOSPC, "x"), "No space left on device. Free some space; then the same command"),
    "forbidden": (PermissionError(errno.EACCES, "x", "a"), "a: Permission denied. Change its permissions"),
    "full, in Rust": (RuntimeError("serializing: I/O error: ... (os error 28)"), "No space left on device. Free"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_system_refuses_is_no_bug(name):
    error, expected = REFUSED[name]
    assert logged(error).startswith(expected)
    assert logged(ExceptionGroup("experts that failed", [ExtractionError("one"), error])).startswith("one\n       ")


def test_a_full_disk_is_told_also_by_sqlite():
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript("PRAGMA max_page_count = 1; PRAGMA page_size = 512;")
        with pytest.raises(sqlite3.OperationalError) as caught:
            database.executescript("CREATE TABLE a (b); CREATE TABLE c (d);")
        assert logged(caught.value).startswith("No space left on device. Free some space")
        with pytest.raises(sqlite3.OperationalError) as caught:
            database.execute("SELECT * FROM nothing")
        assert "Traceback" in logged(caught.value), "a bug of ours"


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "x", "a"), OSError("no number")])
def test_other_errors_of_the_system_may_be_bugs(error):
    assert "Traceback" in logged(error)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("OSError: [Errno 30] Read-only file system: '/mnt/store'", "/mnt/store: Read-only file system. Mount"),
        ("OSError: [Errno 28] No space left on device", "No space left on device. Free some space"),
        ("PermissionError: [Errno 13] Permission denied: 'a: b'", "a: b: Permission denied. Change its"),
        ("pipeline.errors.ConfigError: x.yaml: key 'fps'", "x.yaml: key 'fps'"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'a'", None),
    ],
)
def test_a_refusal_in_the_text_of_a_traceback_is_found(last, expected):
    text = f'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    open("x")\n{last}\n'
    found = error_messages._messages_in_text(f"Luigi unexpected framework error:\n{text}")
    assert found == [] if expected is None else found[0].startswith(expected)
