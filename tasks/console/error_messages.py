"""Prints errors of the user and refusals of the system in one line each.

A bug keeps its traceback: in the log of the run, which its line names, or where there is none, at the terminal.
"""

import errno
import logging
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from luigi.parameter import ParameterException
from luigi.task_register import TaskClassException

from pipeline.errors import PipelineError, in_one_line
from pipeline.running import stopping
from tasks.console import recording
from tasks.console.exit_status import mistake_message, remember_traceback
from tasks.console.luigi_internals import is_unparsable_value, loggers
from tasks.console.terminal import console_errors

USER_ERRORS = (PipelineError, ParameterException, TaskClassException)

SYSTEM_ADVICE = {
    errno.ENOSPC: "Free some space",
    errno.EDQUOT: "Free some space, or ask for more",
    errno.EROFS: "Mount it for writing, or let [Paths] in luigi.cfg lead elsewhere",
    errno.EACCES: "Change its permissions, or let [Paths] in luigi.cfg lead elsewhere",
}
"""Number of an error of the system -> what the user can do. These are no bugs, wherever they are raised."""
SQLITE_ERRNO = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS}

REPORT = "luigi --module tasks Doctor prints what a report of it needs"

_TRACEBACK = "Traceback (most recent call last)"
_USER_ERROR_IN_TRACEBACK = re.compile(r"^pipeline\.errors\.\w+: (.*)", re.MULTILINE | re.DOTALL)
_SYSTEM_ERROR_IN_TRACEBACK = re.compile(
    r"^(?:OSError|PermissionError): \[Errno (\d+)\] [^:\n]*(?:: '(.*)')?$", re.MULTILINE
)
_ERRNO_FROM_RUST = re.compile(r"\(os error (\d+)\)")


printed: set[str] = set()
"""The messages that this process has printed."""


def install_one_line_errors() -> None:
    """From now on shortens errors in all that Luigi logs in this process, and in the exceptions that end it."""
    for logger in loggers():
        logger.addFilter(_OneLineFilter())
    sys.excepthook = _print_exception


class _OneLineFilter(logging.Filter):
    """Replaces the traceback of a user's error by its message: Luigi logs every exception with its traceback.

    What several tasks fail for is printed once.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        # Errors in complete() and requires() are logged as the text of a traceback inside the message.
        if not error and _TRACEBACK in record.getMessage():
            remember_traceback(record.getMessage())
        messages = list(_messages(error)) if error else _messages_in_text(record.getMessage())
        if messages and error:
            recording.note_cause(error)
        if messages := messages or _bug(error or record.getMessage()):
            record.msg, record.args = "\n       ".join(dict.fromkeys(messages)), ()
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.ERROR, "ERROR"
            if record.msg in printed:
                return False
            printed.add(record.msg)
        return True


def _bug(error: BaseException | str) -> list[str]:
    """One line on a bug, whose traceback is then in the log; none where there is no log, and for what is no error."""
    if isinstance(error, str) and _TRACEBACK not in error:
        return []
    path = recording.keep_traceback(error)
    if path is None:
        return []
    *others, last = list(_each(error)) if isinstance(error, BaseException) else error.strip().splitlines()[-1:]
    return [*others, f"{last} (a bug, or what nobody foresaw: the traceback is in {_short(path)}; {REPORT})"]


def _each(error: BaseException) -> Iterator[str]:
    """The messages of an error, or of the members of a group, bugs among them."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _each(member)
    else:
        yield from list(_messages(error)) or [in_one_line(error)]


def _short(path: Path) -> Path:
    """The path from the current folder, if it lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _print_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """As sys.excepthook, with one line for each error that is no bug."""
    if isinstance(error, KeyboardInterrupt):
        stopping.leave()
    elif messages := list(_messages(error)):
        console_errors.print("ERROR: " + "\n       ".join(messages), markup=False)
    else:
        sys.__excepthook__(kind, error, trace)


def _messages(error: BaseException) -> Iterator[str]:
    """The messages of an error, or of the members of a group; none where one is a bug, which needs a traceback."""
    if isinstance(error, BaseExceptionGroup):
        members = [list(_messages(member)) for member in error.exceptions]
        yield from (message for messages in members if all(members) for message in messages)
    elif isinstance(error, USER_ERRORS) or is_unparsable_value(error):
        yield mistake_message(error)
    elif (number := _error_number(error)) in SYSTEM_ADVICE:
        yield _system_message(number, getattr(error, "filename", None))


def _messages_in_text(text: str) -> list[str]:
    """As `_messages`, of the text of a traceback."""
    if found := _USER_ERROR_IN_TRACEBACK.search(text):
        return [found.group(1).strip()]
    found = _SYSTEM_ERROR_IN_TRACEBACK.search(text)
    return [_system_message(int(found[1]), found[2])] if found and int(found[1]) in SYSTEM_ADVICE else []


def _error_number(error: BaseException) -> int:
    """The errno of an error raised by Python, by SQLite or by a library written in Rust; 0 for any other error."""
    if isinstance(error, sqlite3.OperationalError):
        return SQLITE_ERRNO.get(getattr(error, "sqlite_errorcode", 0), 0)
    if isinstance(error, OSError):
        return error.errno or 0
    found = _ERRNO_FROM_RUST.search(str(error))
    return int(found[1]) if found else 0


def _system_message(number: int, path: str | None) -> str:
    where = f"{path}: " if path else ""
    return f"{where}{os.strerror(number)}. {SYSTEM_ADVICE[number]}; then the same command goes on from what is done"
