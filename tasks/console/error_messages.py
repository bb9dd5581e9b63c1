"""A mistake of a person, or a refusal of the system, is told in one line; a fault of the program with its traceback."""

import errno
import logging
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from types import TracebackType

from luigi.parameter import ParameterException
from luigi.task_register import TaskClassException, TaskClassNotFoundException

from pipeline.errors import PipelineError
from tasks.console.help import our_tasks
from tasks.console.terminal import console_errors

USER_MISTAKES = (PipelineError, ParameterException, TaskClassException)

OF_THE_DISK = {
    errno.ENOSPC: "Free some space",
    errno.EDQUOT: "Free some space, or ask for more",
    errno.EROFS: "Mount it for writing, or let [Paths] in luigi.cfg lead elsewhere",
    errno.EACCES: "Change its permissions, or let [Paths] in luigi.cfg lead elsewhere",
}
"""What the system refuses -> what to do; no fault of the program, wherever it happens."""
OF_SQLITE = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS}

_IN_TRACEBACK = re.compile(r"^pipeline\.errors\.\w+: (.*)", re.MULTILINE | re.DOTALL)
_REFUSED = re.compile(r"^(?:OSError|PermissionError): \[Errno (\d+)\] [^:\n]*(?:: '(.*)')?$", re.MULTILINE)
_IN_RUST = re.compile(r"\(os error (\d+)\)")


class _OneLine(logging.Filter):
    """Luigi logs every exception with its traceback; a user's mistake is told in one line instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        # Errors in complete() and requires() come as the text of a traceback inside the message.
        mistakes = list(_mistakes(error)) if error else _mistakes_in(record.getMessage())
        if mistakes:
            record.msg, record.args = "\n       ".join(dict.fromkeys(mistakes)), ()
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.ERROR, "ERROR"
        return True


def _mistakes(error: BaseException) -> Iterator[str]:
    """The mistakes in an error, in words; none when anything else is in it, for then the traceback is needed."""
    if isinstance(error, BaseExceptionGroup):
        told = [list(_mistakes(inner)) for inner in error.exceptions]
        yield from (line for lines in told if all(told) for line in lines)
    elif isinstance(error, USER_MISTAKES) or _is_mistyped(error):
        yield str(error)
    elif (number := _error_number(error)) in OF_THE_DISK:
        yield _of_the_disk(number, getattr(error, "filename", None))


def _error_number(error: BaseException) -> int:
    """What the system refused with, as `errno` numbers it: told by Python, by SQLite or by a library in Rust; or 0."""
    if isinstance(error, sqlite3.OperationalError):
        return OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0), 0)
    if isinstance(error, OSError):
        return error.errno or 0
    found = _IN_RUST.search(str(error))
    return int(found[1]) if found else 0


def _mistakes_in(message: str) -> list[str]:
    """As `_mistakes`, of a traceback as text."""
    if found := _IN_TRACEBACK.search(message):
        return [found.group(1).strip()]
    found = _REFUSED.search(message)
    return [_of_the_disk(int(found[1]), found[2])] if found and int(found[1]) in OF_THE_DISK else []


def _of_the_disk(number: int, path: str | None) -> str:
    where = f"{path}: " if path else ""
    return f"{where}{os.strerror(number)}. {OF_THE_DISK[number]}; then the same command goes on from what is done"


def _is_mistyped(error: BaseException) -> bool:
    """Whether Luigi could not read a value of the command line: a plain ValueError of its parameters."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = trace.tb_frame.f_globals.get("__name__") if trace is not None else None
    return isinstance(error, ValueError) and place == "luigi.parameter"


def tell_mistakes_in_one_line() -> None:
    """From now on: for everything that Luigi logs in this process, and for what it lets through."""
    for name in ("luigi", "luigi-interface"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, _OneLine) for known in logger.filters):
            logger.addFilter(_OneLine())
    sys.excepthook = _one_line


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, TaskClassNotFoundException):
        unknown, _, _ = str(error).partition(".")
        console_errors.print(f"ERROR: {unknown}; there are: {', '.join(our_tasks())}", markup=False)
    elif isinstance(error, KeyboardInterrupt):
        console_errors.print("Stopped; the same command goes on from what is done", markup=False)
    elif mistakes := list(_mistakes(error)):
        console_errors.print("ERROR: " + "\n       ".join(mistakes), markup=False)
    else:
        sys.__excepthook__(kind, error, trace)
