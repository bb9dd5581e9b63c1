"""What a person sees: one line for a mistake, a bar for a long stage, a table at the end."""

import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from luigi.parameter import ParameterException
from luigi.task_register import Register, TaskClassException, TaskClassNotFoundException
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from pipeline.errors import PipelineError

USER_MISTAKES = (PipelineError, ParameterException, TaskClassException)

# In a log there is no edge to wrap at.
WIDTH = None if sys.stdout.isatty() else 160
console = Console(highlight=False, soft_wrap=True, width=WIDTH)
console_errors = Console(highlight=False, soft_wrap=True, stderr=True)


def say(line: str) -> None:
    """One line of the run's story."""
    console.print(line, markup=False)


@contextmanager
def bar(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with rate and time left, moved by `(done, of)`; nothing is shown for work that is not there."""
    shown: list[Any] = []

    def move(done: int, of: int) -> None:
        if not shown:
            # A log file keeps every state of a bar, so there it moves seldom.
            every_s = 0.5 if sys.stderr.isatty() else 10.0
            shown.append(tqdm(total=of, desc=what, unit=unit, smoothing=0.1, mininterval=every_s, dynamic_ncols=True))
        shown[0].total = of
        shown[0].update(done - shown[0].n)

    try:
        yield move
    finally:
        for progress in shown:
            progress.close()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> None:
    """A table whose first `left` columns are text, and whose others are numbers."""
    drawn = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        drawn.add_column(column, justify="left" if index < left else "right", overflow="fold")
    for row in rows:
        drawn.add_row(*(cell.replace("[", r"\[") for cell in row))
    console.print(drawn)


_IN_TRACEBACK = re.compile(r"^pipeline\.errors\.\w+: (.*)", re.MULTILINE | re.DOTALL)


class _OneLine(logging.Filter):
    """Luigi logs every exception with its traceback; a user's mistake is told in one line instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        mistakes = [str(mistake) for mistake in _mistakes(error)] if error else []
        if not error:
            # Errors in complete() and requires() come as the text of a traceback inside the message.
            found = _IN_TRACEBACK.search(record.getMessage())
            mistakes = [found.group(1).strip()] if found else []
        if mistakes:
            record.msg, record.args = "\n       ".join(dict.fromkeys(mistakes)), ()
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.ERROR, "ERROR"
        return True


def _mistakes(error: BaseException) -> Iterator[BaseException]:
    """The mistakes in an error; none when anything else is in it, for then the traceback is needed."""
    if isinstance(error, BaseExceptionGroup):
        if all(isinstance(inner, USER_MISTAKES) for inner in error.exceptions):
            yield from error.exceptions
    elif isinstance(error, USER_MISTAKES) or _is_mistyped(error):
        yield error


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
        every = {name: Register.get_task_cls(name) for name in Register.task_names()}
        ours = [name for name, cls in every.items() if cls.__module__.startswith("tasks.") and "run" in vars(cls)]
        unknown, _, _ = str(error).partition(".")
        console_errors.print(f"ERROR: {unknown}; there are: {', '.join(sorted(ours))}", markup=False)
    elif isinstance(error, USER_MISTAKES):
        console_errors.print(f"ERROR: {error}", markup=False)
    elif isinstance(error, KeyboardInterrupt):
        console_errors.print("Stopped; the same command goes on from what is done", markup=False)
    else:
        sys.__excepthook__(kind, error, trace)
