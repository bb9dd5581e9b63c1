"""What a person sees: a line, a bar for a long stage, a table at the end."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

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
