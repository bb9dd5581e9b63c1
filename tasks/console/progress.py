"""Shows how far a piece of work is: a bar on a terminal, lines in a file; both refreshed by a clock.

So one that stands still can be told from one that is dead, however long a step takes.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from tqdm import tqdm

from tasks.console.recording import record, shown
from tasks.console.terminal import discard, is_quiet, say

TERMINAL_INTERVAL_S = 1.0
FILE_INTERVAL_S = 15.0
"""How often a line is printed where standard error is no terminal."""
LOG_INTERVAL_S = 60.0
"""How often one is written into the log of the run."""

MIN_SHARE = 0.02
"""Below it nothing is said of the time left: it would be judged by the loading of the networks."""


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Shows how many pieces of work are done; yields the callback `(done, total)`.

    It appears with the first call, so that nothing is shown where there is no work.
    """
    with _clock(_display(title)) as display:
        yield lambda done, total: display.move(done, total, f"{done} of {total} {_plural(unit, total)}")


def _plural(unit: str, count: int) -> str:
    """The unit of a count; symbols such as MiB have no plural."""
    return unit if count == 1 or not unit.islower() else f"{unit}s"


@contextmanager
def video_progress(title: str) -> Iterator[Callable[[float, float, str], None]]:
    """As `progress_bar`, of seconds of video; the callback also gets the stage on which the work waits longest."""
    with _clock(_display(title)) as display:

        def move(done_s: float, total_s: float, stage: str) -> None:
            slowest = f", slowest: {stage}" if stage else ""
            display.move(done_s, total_s, f"{_time(done_s)} of {_time(total_s)} of video{slowest}")

        yield move


def say_meanwhile(line: str) -> None:
    """Prints one line; above the bar, where there is one."""
    with tqdm.external_write_mode():
        say(line)


class _Display:
    """Shows the state of the work, given by `move`, whenever `refresh` is called."""

    interval_s: float

    def __init__(self, title: str) -> None:
        self._title = title
        self._start_s = time.monotonic()
        self._done, self._total, self._text = 0.0, 0.0, ""

    def move(self, done: float, total: float, text: str) -> None:
        """From now on so much is done, which `text` says in words."""
        self._done, self._total, self._text = done, total, text

    def line(self) -> str:
        """The state in words; nothing before the first `move`."""
        if not self._text:
            return ""
        share = min(1.0, self._done / self._total) if self._total else 1.0
        passed_s = time.monotonic() - self._start_s
        left = f", about {_time(passed_s / share - passed_s)} left" if MIN_SHARE <= share < 1 else ""
        return f"{self._title}: {self._text} ({share:.0%}) in {_time(passed_s)}{left}"

    def refresh(self) -> None:
        """Shows the state as it is now; nothing before the first `move`."""

    def close(self) -> None:
        """Shows the last state."""
        self.refresh()


class _Nothing(_Display):
    """Shows nothing: --quiet was typed."""

    interval_s = LOG_INTERVAL_S


class _Bar(_Display):
    """A bar on a terminal."""

    interval_s = TERMINAL_INTERVAL_S
    _bar: "tqdm[NoReturn] | None" = None

    def refresh(self) -> None:
        if not self._text:
            return
        if self._bar is None:
            form = "{desc}: {percentage:3.0f}%|{bar}| {postfix} [{elapsed}<{remaining}]"
            self._bar = tqdm(
                desc=self._title, total=1.0, file=shown(sys.stderr), dynamic_ncols=True, bar_format=form, miniters=0
            )
        self._bar.total = max(self._total, 1e-9)
        self._bar.set_postfix_str(self._text, refresh=False)
        self._bar.n = min(self._done, self._bar.total)
        self._bar.refresh()

    def close(self) -> None:
        self.refresh()
        if self._bar is not None:
            self._bar.close()


class _Lines(_Display):
    """Lines in a file or a pipe; equal ones are printed too, as a sign of life, but for the last one."""

    interval_s = FILE_INTERVAL_S
    _printed = ""

    def refresh(self) -> None:
        if line := self.line():
            print(line, file=shown(sys.stderr), flush=True)
            self._printed = self._text

    def close(self) -> None:
        if self._text != self._printed:
            self.refresh()


def _display(title: str) -> _Display:
    if is_quiet():
        return _Nothing(title)
    return _Bar(title) if sys.stderr.isatty() else _Lines(title)


@contextmanager
def _clock(display: _Display) -> Iterator[_Display]:
    """Context in which a thread refreshes the display; without effect once the reader of a pipe is gone."""
    is_over = threading.Event()

    def refresh(show: Callable[[], None]) -> None:
        try:
            show()
        except BrokenPipeError:
            discard(sys.stderr)

    def tick() -> None:
        recorded_s = time.monotonic()
        while not is_over.wait(display.interval_s):
            refresh(display.refresh)
            if time.monotonic() - recorded_s >= LOG_INTERVAL_S:
                recorded_s = time.monotonic()
                record(display.line())

    thread = threading.Thread(target=tick, name="progress", daemon=True)
    thread.start()
    try:
        yield display
    finally:
        is_over.set()
        thread.join()
        refresh(display.close)
        record(display.line())


def _time(seconds: float) -> str:
    """Hours, minutes and seconds."""
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"
