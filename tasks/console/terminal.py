"""Prints lines, tables and JSON documents: `say` what a run does on its way, `tell` and the others its result."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from tasks.console.recording import record


class _Console(Console):
    """A console whose output is dropped once the reader of its pipe is gone, as in `luigi ... | head -2`."""

    def on_broken_pipe(self) -> None:
        """Drops the output and lets the run go on: rich raises SystemExit, which Luigi reports as a failed task."""
        self.quiet = True
        discard(self.file)


# A log file has no edge at which a line must wrap.
WIDTH = None if sys.stdout.isatty() else 160
console = _Console(highlight=False, soft_wrap=True, width=WIDTH)
console_errors = _Console(highlight=False, soft_wrap=True, stderr=True)


class _Output:
    """What of the output is wanted, and where the document goes."""

    is_quiet = False
    document: IO[str] | None = None


@contextmanager
def quiet() -> Iterator[None]:
    """Context in which only results and errors are printed; the log has all of it."""
    _Output.is_quiet = True
    try:
        yield
    finally:
        _Output.is_quiet = False


def is_quiet() -> bool:
    """Whether only results and errors are printed."""
    return _Output.is_quiet


@contextmanager
def only_a_document() -> Iterator[None]:
    """Context in which standard output is kept for `print_json`: whatever else is printed there goes to standard error.

    Also what libraries in C and worker processes print.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(kept, "w", encoding="utf-8") as document:
        _Output.document = document
        try:
            yield
        finally:
            _Output.document = None
            flush_output()
            os.dup2(kept, 1)


def say(line: str) -> None:
    """Prints one line on what the run does, or may be done next; nothing where --quiet was typed."""
    if _Output.is_quiet:
        record(line)
    else:
        console.print(line, markup=False)


def tell(line: str) -> None:
    """Prints one line of the result."""
    console.print(line, markup=False)


def print_json(content: Mapping[str, Any]) -> None:
    """Prints a document of one line; NaN, which is no JSON, would be a bug of ours."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"
    document = _Output.document or sys.stdout
    try:
        document.write(text)
        document.flush()
    except BrokenPipeError:
        discard(document)


def printable(text: str) -> str:
    """The text with control characters replaced.

    File names and subtitles come from strangers: an escape sequence in them could move the cursor or recolour the
    terminal.
    """
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> None:
    """Prints a table whose first `left` columns are aligned to the left, as text is, and the others to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    console.print(table)


def flush_output() -> None:
    """Flushes standard output and standard error, and drops what is left where the reader of a pipe is gone.

    For the end of a process: Python's own flush would print "Exception ignored" there and exit with 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            discard(stream)


def discard(stream: IO[str]) -> None:
    """Sends all further output of a stream to the null device (Python's documentation of signal, "Note on SIGPIPE")."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
