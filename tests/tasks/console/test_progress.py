import io
import re

import pytest

from tasks import EncodeText
from tasks.console import progress
from tasks.console.progress import progress_bar, video_progress


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self):
        return True


def terminal_in(monkeypatch):
    """A terminal in place of standard error; to be called in the test, as pytest replaces it after the fixtures."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    return stream


def ticked(monkeypatch, kind):
    """Makes the clock fast; the returned function waits until it has shown something so many times."""
    import threading

    shown = threading.Semaphore(0)
    refresh = kind.refresh

    def counted(self):
        refresh(self)
        if self._text:
            shown.release()

    monkeypatch.setattr(kind, "refresh", counted)
    monkeypatch.setattr(kind, "interval_s", 0.02)
    return lambda times: all(shown.acquire(timeout=10) for _ in range(times))


def test_nothing_is_shown_where_there_is_no_work(capsys, monkeypatch):
    with progress_bar("Training", "epoch"), video_progress("Extracting"):
        pass
    assert capsys.readouterr().err == ""
    terminal = terminal_in(monkeypatch)
    with progress_bar("Training", "epoch"), video_progress("Extracting"):
        pass
    assert terminal.getvalue() == ""


def test_in_a_file_there_are_lines_and_no_carriage_returns(capsys):
    with progress_bar("Looking", "file") as move:
        for done in (1, 2, 3):
            move(done, 3)
    with progress_bar("Looking", "file") as move:
        move(1, 1)
    errors = capsys.readouterr().err
    assert re.sub(r"\d+:\d\d:\d\d", "T", errors).splitlines() == [
        "Looking: 3 of 3 files (100%) in T",
        "Looking: 1 of 1 file (100%) in T",
    ]
    assert "\r" not in errors


def test_seconds_of_video_are_counted_and_the_slowest_stage_is_named(capsys):
    with video_progress("Extracting") as move:
        move(1830.0, 7200.0, "the networks of rgb")
    assert "Extracting: 0:30:30 of 2:00:00 of video, slowest: the networks of rgb (25%) in 0:00:0" in (
        capsys.readouterr().err
    )


def test_a_clock_shows_it_again_although_nothing_moves(monkeypatch, capsys):
    wait = ticked(monkeypatch, progress._Lines)
    with video_progress("Extracting") as move:
        move(32.0, 64.0, "decoding")
        assert wait(3)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 3
    assert {re.sub(r" in .*", "", line) for line in lines} == {
        "Extracting: 0:00:32 of 0:01:04 of video, slowest: decoding (50%)"
    }


def test_on_a_terminal_it_is_a_bar(monkeypatch):
    terminal = terminal_in(monkeypatch)
    wait = ticked(monkeypatch, progress._Bar)
    with video_progress("Extracting") as move:
        move(32.0, 64.0, "decoding")
        assert wait(2)
    shown = terminal.getvalue()
    assert "\r" in shown
    assert "Extracting:  50%|" in shown
    assert "0:00:32 of 0:01:04 of video, slowest: decoding" in shown
    assert shown.endswith("\n")


def test_work_of_no_length_is_done_at_once(monkeypatch):
    terminal = terminal_in(monkeypatch)
    with video_progress("Extracting") as move:
        move(0.0, 0.0, "")
    assert "0:00:00 of 0:00:00 of video" in terminal.getvalue()


def test_an_error_ends_the_display_and_its_clock(monkeypatch):
    terminal = terminal_in(monkeypatch)
    with pytest.raises(ValueError, match="a bug"), progress_bar("Extracting", "video") as move:
        move(1, 3)
        raise ValueError("a bug")
    assert terminal.getvalue().endswith("\n")


def test_work_goes_on_when_the_reader_of_its_progress_is_gone(project):
    project.edit("text", "words_hashed", params__longest=4)
    process = project.start_command("EncodeText", "--dataset", "tiny")
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert project.run(EncodeText, dataset="tiny") == []
