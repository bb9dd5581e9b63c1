"""What a pass is asked and what it tells while it works: whether it shall stop, how far it is, what it waits for."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

POLL_INTERVAL_S = 0.25

DECODING = "decoding"
"""The stage that is not the networks of an expert."""

Progress = Callable[[float, str], None]
"""Callback with the seconds of video that are done, and the stage on which the pass has waited longest of late."""

Result = TypeVar("Result")


class StopRequestedError(Exception):
    """The pass shall stop; raised from wherever it waits, and caught by the pass itself."""


class Watch:
    """Asks `stop`, and tells `progress`, whenever the pass waits or has done a segment."""

    def __init__(
        self, progress: Progress = lambda done_s, stage: None, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._progress = progress
        self._stop = stop
        self._done_s = 0.0
        self._waited_s: dict[str, float] = {}
        self._at_s = time.monotonic()

    def advance(self, video_s: float) -> None:
        """To be called when so many more seconds of video are done; StopRequestedError as by `check`."""
        self._done_s += video_s
        self._at_s = time.monotonic()
        self.check()

    def waits_for(self, stage: str) -> None:
        """To be called every POLL_INTERVAL_S while `stage` is awaited; StopRequestedError as by `check`."""
        now_s = time.monotonic()
        # Old waits fade, so that the stage that is named is the slowest of the last seconds.
        faded = {name: 0.95 * waited_s for name, waited_s in self._waited_s.items()}
        self._waited_s = faded | {stage: faded.get(stage, 0.0) + min(now_s - self._at_s, 2 * POLL_INTERVAL_S)}
        self._at_s = now_s
        self.check()

    def check(self) -> None:
        """Tells how far the pass is; StopRequestedError if it shall stop."""
        stage = max(self._waited_s, key=lambda name: self._waited_s[name], default="")
        self._progress(self._done_s, stage)
        if self._stop():
            raise StopRequestedError

    def result(self, future: "Future[Result]", stage: Callable[[], str]) -> Result:
        """The result of a future; StopRequestedError if the pass shall stop before it is there."""
        while not wait([future], POLL_INTERVAL_S).done:
            self.waits_for(stage())
        return future.result()


class Throttled:
    """A Progress that passes on at most one call an interval, and the last one at `flush`."""

    def __init__(self, progress: Progress, interval_s: float) -> None:
        self._progress = progress
        self._interval_s = interval_s
        self._next_s = 0.0
        self._last = 0.0, ""

    def __call__(self, done_s: float, stage: str) -> None:
        """A call of the Progress."""
        self._last = done_s, stage
        if time.monotonic() >= self._next_s:
            self.flush()

    def flush(self) -> None:
        """Passes on the last call."""
        self._next_s = time.monotonic() + self._interval_s
        self._progress(*self._last)
