"""The sound of a span of time, in which each piece keeps its own sample rate until it is resampled."""

import dataclasses
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.media.resampling import Resampler, resample

MAX_RATE_HZ = 384_000
"""Higher rates are in no recording, only in damaged headers; seconds of them would fill the memory."""

MAX_RATES = 8
"""Sample rates in one span; more are in no recording."""


@dataclasses.dataclass
class SoundSpan:
    """The sound from `from_s` to `to_s`, filled block by block."""

    from_s: int
    to_s: float
    pieces: dict[int, NDArray[np.float32]] = dataclasses.field(default_factory=dict)
    """Sample rate -> samples from `from_s` on; zeros where the sound has another rate."""
    ends: dict[int, int] = dataclasses.field(default_factory=dict)
    """Sample rate -> index after its last sample."""
    first_s: float | None = None
    """Start of the first block that was decoded, which may lie before or after the span."""
    next_s: float = np.inf
    """Start of the next sound after the span; infinite when it has not been met."""
    num_packets: int = 0
    is_empty: bool = False
    """Whether there is an audio stream and nothing in it."""
    faults: list[tuple[str, float, int]] = dataclasses.field(default_factory=list)
    """(what is wrong, when, how many times)."""

    def place(self, first: int, samples: NDArray[np.float32], source_hz: int) -> None:
        """Puts a block at the index `first`, counted from the start of the container, over what was there before.

        Of one that begins after the span only that is kept: there is more sound.
        DecodeError when no recording has such a sample rate, or so many.
        """
        first_s = first / source_hz
        self.first_s = first_s if self.first_s is None else self.first_s
        if first_s >= self.to_s:
            self.next_s = min(self.next_s, first_s)
            return
        begin = first - self.from_s * source_hz
        end = begin + len(samples)
        if end <= 0:  # a seek lands some blocks before the span
            return
        piece = self._piece(source_hz)
        for other_hz, other in self.pieces.items():
            if other_hz != source_hz:
                other[max(0, round(begin / source_hz * other_hz)) : round(end / source_hz * other_hz)] = 0
        kept = samples[max(0, -begin) : len(piece) - begin]
        piece[max(0, begin) : max(0, begin) + len(kept)] = kept
        self.ends[source_hz] = min(max(self.ends[source_hz], end), len(piece))

    def _piece(self, source_hz: int) -> NDArray[np.float32]:
        if source_hz not in self.pieces:
            if source_hz > MAX_RATE_HZ or len(self.pieces) == MAX_RATES:
                raise DecodeError(f"the sound has a sample rate of {source_hz} Hz, as no recording has")
            self.pieces[source_hz] = np.zeros(round((self.to_s - self.from_s) * source_hz), np.float32)
            self.ends[source_hz] = 0
        return self.pieces[source_hz]

    def resampled(self, rate_hz: int, resampler: Resampler) -> NDArray[np.float32]:
        """The samples from `from_s` on; up to the end of the sound, or to `to_s` when it goes on after that."""
        until_s = max((end / source_hz for source_hz, end in self.ends.items()), default=0.0)
        until_s = self.to_s - self.from_s if self.next_s < np.inf else until_s
        pieces = [(piece[: round(until_s * source_hz)], source_hz) for source_hz, piece in self.pieces.items()]
        parts = [resample(piece, source_hz, rate_hz, resampler) for piece, source_hz in pieces]
        joined = np.zeros(max(map(len, parts), default=round(until_s * rate_hz)), np.float32)
        for part in parts:
            joined[: len(part)] += part
        return joined

    def note(self, start_s: float, stop_s: float) -> str:
        """What is wrong with the sound from `start_s` to `stop_s`, in words; empty when nothing is."""
        found = ["the audio stream is empty"] if self.is_empty else []
        numbers: Counter[str] = Counter()
        for what, time_s, number in self.faults:
            numbers[what] += number if start_s <= time_s < stop_s else 0
        return "; ".join(found + [f"{what}: {number}" for what, number in numbers.items() if number])
