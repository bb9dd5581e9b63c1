import os
import re

import pytest

from tasks.console import run_log
from tasks.console.run_log import KEPT, RunLog, plain


@pytest.fixture
def log(tmp_path):
    log = RunLog(tmp_path / "store" / "logs", "EvaluateCE", lambda: ["versions", "command"])
    yield log
    log.close()


def test_a_log_that_never_begins_leaves_nothing(log, tmp_path):
    log.add("a line")
    log.close()
    assert list(tmp_path.iterdir()) == []
    assert not log.begin()
    assert list(tmp_path.iterdir()) == []


def test_what_was_said_before_it_begins_is_in_it_after_the_head(log):
    log.add("before")
    assert log.begin()
    log.add("after\nand more")
    lines = log.path.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["versions", "command"]
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in lines[2:]] == ["before", "after", "and more"]
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d_\d\d-\d\d-\d\d_EvaluateCE_{os.getpid()}\.log", log.path.name)


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("\x1b[1;31mred\x1b[0m and \x1b]0;title\x07plain", "red and plain"),
        ("  3%|#  |\r 50%|## |\r100%|###|", "100%|###|"),
        ("done\r", "done"),
        ("tab\tstays, bell\x07 goes  ", "tab\tstays, bell goes"),
        ("--Weights-mirror https://me:secret@host/x", "--Weights-mirror https://***@host/x"),
        ("日本語 stays", "日本語 stays"),
    ],
)
def test_a_line_is_kept_as_plain_text(printed, kept):
    assert plain(printed) == kept


def test_the_newest_logs_are_kept_and_other_files_stay(log):
    folder = log.path.parent
    folder.mkdir(parents=True)
    for number in range(KEPT + 5):
        (folder / f"2020-01-01_00-{number // 60:02}-{number % 60:02}_TrainCE_1.log").touch()
    (folder / "notes.txt").touch()
    (folder / "mine.log").touch()
    log.begin()
    names = {path.name for path in folder.iterdir()}
    assert {"notes.txt", "mine.log", log.path.name} <= names
    assert len(names) == KEPT + 2
    assert min(names) == "2020-01-01_00-00-06_TrainCE_1.log"


def test_a_log_does_not_grow_for_ever(log, monkeypatch):
    monkeypatch.setattr(run_log, "MAX_BYTES", 1000)
    log.begin()
    for _ in range(1000):
        log.add("x" * 50)
    text = log.path.read_text(encoding="utf-8")
    assert len(text) < 1100
    assert text.splitlines()[-1].startswith("The rest is left out")


def test_a_log_that_cannot_be_made_or_written_is_no_error(tmp_path):
    (tmp_path / "store").write_text("a file")
    log = RunLog(tmp_path / "store" / "logs", "TrainCE", list)
    assert not log.begin()
    log.add("a line")
    log.close()
    full = RunLog(tmp_path / "logs", "TrainCE", list)
    full.path.parent.mkdir()
    full.path.symlink_to("/dev/full")  # every write fails for lack of space
    full.begin()
    full.add("a line")
    full.add("another")
    full.close()
