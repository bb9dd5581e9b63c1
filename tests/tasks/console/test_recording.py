import io
import sys

import pytest

from tasks.console import recording
from tasks.console.recording import Tee, recorded
from tasks.console.run_log import RunLog


@pytest.fixture
def log(tmp_path):
    log = RunLog(tmp_path / "logs", "TrainCE", list)
    yield log
    log.close()


def kept(log):
    log.begin()
    return [line[9:] for line in log.path.read_text(encoding="utf-8").splitlines()]


def test_what_is_printed_is_shown_as_before_and_recorded(log, capsys):
    with recorded(log):
        print("a line")
        print("an error", file=sys.stderr)
        print("begun, ", end="")
        print("ended")
    print("afterwards")
    assert kept(log) == ["a line", "an error", "begun, ended"]
    assert capsys.readouterr() == ("a line\nbegun, ended\nafterwards\n", "an error\n")


def test_a_bar_is_recorded_by_its_last_state_and_a_line_without_end_is_bounded(log):
    shown = io.StringIO()
    tee = Tee(shown, log)
    for number in range(1000):
        tee.write(f"\r{number} of 1000")
    tee.write("\n")
    for number in range(100):
        tee.write(f"{number} per cent\r")
    tee.write("\n")
    for _ in range(100):
        tee.write("." * 1000)
    assert len(tee._begun) <= recording.MOST_OF_LINE
    assert kept(log) == ["999 of 1000", "99 per cent"]
    assert shown.getvalue().count("of 1000") == 1000


def test_the_stream_itself_is_past_the_record(log, capsys):
    with recorded(log):
        print("not kept", file=recording.shown(sys.stderr))
        assert recording.shown(recording.shown(sys.stderr)).isatty() is False
    assert kept(log) == []
    assert "not kept" in capsys.readouterr().err


def test_a_traceback_begins_the_log_and_its_path_is_remembered_after_the_run(log):
    with recorded(log):
        try:
            raise KeyError("x")
        except KeyError as raised:
            error = raised
        assert recording.keep_traceback(error) == log.path
    assert recording.keep_traceback(error) == log.path
    assert kept(log)[-1] == "KeyError: 'x'"


def test_without_a_log_there_is_no_place_for_a_traceback(tmp_path, log):
    assert recording.keep_traceback(KeyError("x")) is None
    recording.record("nowhere")
    recording.begin()
    (tmp_path / "logs").write_text("a file in its place")
    with recorded(log):
        assert recording.keep_traceback(KeyError("x")) is None


def test_the_cause_of_a_users_error_is_noted(log):
    with recorded(log):
        try:
            try:
                raise OSError("a library")
            except OSError as cause:
                raise ValueError("told") from cause
        except ValueError as error:
            recording.note_cause(error)
        recording.note_cause(ValueError("without a cause"))
    lines = kept(log)
    assert "OSError: a library" in lines
    assert lines[-1] == "ValueError: told"
