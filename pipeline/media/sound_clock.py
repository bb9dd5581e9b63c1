"""Places blocks of sound on the clock of their file by their timestamps, which are rounded and sometimes wrong."""

import dataclasses
from collections import deque
from collections.abc import Collection, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

JITTER_S = 0.05
"""Deviations from gapless audio below this are rounding of the timestamps (Matroska counts milliseconds), not gaps."""

LAG_S, LAG_BLOCKS = 0.005, 16
"""A deviation that lasts for so many blocks is no jitter: packets are missing, or the recorder's clock drifts."""

BEGIN_S, ROUNDING_S = 0.1, 1e-3
"""A sound that begins with its file, before BEGIN_S, begins at its first timestamp, mostly an exact 0, unless that is
wrong by more than the rounding to milliseconds."""


@dataclasses.dataclass(frozen=True)
class Block:
    """Samples that were decoded together."""

    time_s: float | None
    """Timestamp of the first sample; None where the file has none."""
    samples: NDArray[np.float32]
    """(S,), mono."""
    rate_hz: int
    layout: str = ""
    """Of the channels that it was mixed from."""

    @property
    def length_s(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate_hz


def placed(blocks: Iterable[Block]) -> Iterator[tuple[int, Block]]:
    """Each block with the index of its first sample, counted from time 0 at its own rate.

    A block follows the one before without a seam, unless its timestamp is more than JITTER_S away from there, the
    timestamps stay more than LAG_S away, or its rate or layout is another, as where recordings were joined. Such a run
    of blocks begins where the first LAG_BLOCKS of its timestamps say on the median, so that it lies at the same place
    when it is read from a later block on. Blocks before the first timestamp are dropped.
    """
    run = _Run()
    for block in blocks:
        if not run.takes(block):
            yield from run.flush()
            run = _Run()
        yield from run.add(block)
    yield from run.flush()


class _Run:
    """Blocks that follow one another."""

    def __init__(self) -> None:
        self._next_s: float | None = None
        """Where the next block belongs."""
        self._kind = (0, "")
        self._lags_s: deque[float] = deque(maxlen=LAG_BLOCKS)
        """By how much the last timestamps were later than that."""
        self._first: list[Block] = []
        """The first blocks, until the run has its place."""
        self._is_placed = False

    def takes(self, block: Block) -> bool:
        if self._next_s is None or block.time_s is None:
            return True
        return abs(block.time_s - self._next_s) <= JITTER_S and self._kind == (block.rate_hz, block.layout)

    def add(self, block: Block) -> Iterator[tuple[int, Block]]:
        if self._next_s is None:
            self._next_s, self._kind = block.time_s, (block.rate_hz, block.layout)
        if self._next_s is None:
            return
        if block.time_s is not None:
            self._lags_s.append(block.time_s - self._next_s)
        if not self._is_placed:
            self._first.append(block)
            self._next_s += block.length_s
            if len(self._first) == LAG_BLOCKS:
                yield from self.flush()
            return
        if self._lags_for_long():
            self._next_s += _median(list(self._lags_s)[LAG_BLOCKS // 2 :])  # all after the change
            self._lags_s.clear()
        yield self._at_next(block)

    def _lags_for_long(self) -> bool:
        is_sure = len(self._lags_s) == LAG_BLOCKS and abs(self._lags_s[-1]) > LAG_S
        return is_sure and abs(_median(self._lags_s)) > LAG_S

    def flush(self) -> Iterator[tuple[int, Block]]:
        """The blocks that wait for the place of the run."""
        if self._first and self._first[0].time_s is not None:
            lag_s = _median(self._lags_s)
            begins_exactly = self._first[0].time_s < BEGIN_S and abs(lag_s) < ROUNDING_S
            self._next_s = self._first[0].time_s + (0.0 if begins_exactly else lag_s)
            yield from map(self._at_next, self._first)
        self._first, self._is_placed = [], True
        self._lags_s.clear()

    def _at_next(self, block: Block) -> tuple[int, Block]:
        first = round((self._next_s or 0.0) * block.rate_hz)
        self._next_s = (first + len(block.samples)) / block.rate_hz
        return first, block


def _median(values: Collection[float]) -> float:
    """As np.median, which imports numpy.ma at its first call: as long as a second of sound takes."""
    ordered = sorted(values)
    half, is_odd = divmod(len(ordered), 2)
    return float(ordered[half] if is_odd else (ordered[half - 1] + ordered[half]) / 2)
