"""Records in the log of the run what this process prints, and whole tracebacks where one line is shown of them."""

import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tasks.console.run_log import RunLog

MOST_OF_LINE = 10_000
"""Characters of a line without an end that are kept until it ends."""


class _State:
    """What this process records into."""

    log: RunLog | None = None


class Tee:
    """A stream whose lines are recorded as well; everything else is that of the stream that is `shown`."""

    def __init__(self, shown: IO[str], log: RunLog) -> None:
        self.shown = shown
        self._log = log
        self._begun = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Writes the text, and records the lines that it ends."""
        with self._lock:
            whole, newline, rest = (self._begun + text).rpartition("\n")
            # Of a progress bar, which only ever goes back to the beginning of its line, the last state is kept.
            self._begun = rest[rest.rfind("\r", 0, len(rest) - 1) + 1 :][-MOST_OF_LINE:]
        if newline:
            self._log.add(whole)
        return self.shown.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shown, name)


@contextmanager
def recorded(log: RunLog) -> Iterator[None]:
    """Context in which all that Python code of this process prints is recorded in `log`.

    What libraries in C print, and what worker processes print, is not.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Tee(before[0], log), Tee(before[1], log)
    _State.log = log
    try:
        yield
    finally:
        _State.log = None
        sys.stdout, sys.stderr = before


def shown(stream: IO[str]) -> IO[str]:
    """The stream itself, past the record: for what is printed too often to be kept."""
    return getattr(stream, "shown", stream)


def record(text: str) -> None:
    """Adds lines to the log without printing them."""
    if _State.log is not None:
        _State.log.add(text)


def begin() -> None:
    """Begins the file of the log: something is about to be changed."""
    if _State.log is not None:
        _State.log.begin()


def keep_traceback(error: BaseException | str) -> Path | None:
    """Writes a traceback into the log, which begins with it; the path of the log, or None where there is none.

    `error`: an exception, or the text of a traceback.
    """
    if isinstance(error, BaseException) and (kept := getattr(error, "traceback_kept_in", None)):
        return Path(kept)
    if _State.log is None or not _State.log.begin():
        return None
    _State.log.add(error if isinstance(error, str) else "".join(traceback.format_exception(error)))
    if isinstance(error, BaseException):
        # Luigi logs what leaves a run after its end.
        error.traceback_kept_in = _State.log.path  # type: ignore[attr-defined]
    return _State.log.path


def note_cause(error: BaseException) -> None:
    """Writes the traceback of an error of the user into the log where something else caused it: one may wonder why."""
    if error.__cause__ is not None:
        record("".join(traceback.format_exception(error)))
