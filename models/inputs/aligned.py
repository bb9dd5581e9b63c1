"""Frozen vectors of experts that are aligned with text: their dot products rank videos without any training.

C captions, V videos, D length of a vector.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SPREAD = 0.1
"""Deviation of the calibrated scores of wrong pairs. The learned scores beside them are cosines of -1..1, and the same
temperature of the loss then suits both, whatever the encoder: raw cosines of CLIP spread by some 0.04, of CLAP by 0.15.
"""
MOST_PAIRS = 1000
"""Captions, and videos, of which all pairs are taken to calibrate; more would change the fourth digit."""


@dataclass(frozen=True)
class Aligned:
    """What one expert says of each pair of a split: caption @ video."""

    videos: Floats
    """(V, D); zeros for a video of which the expert saw nothing."""
    texts: Floats
    """(C, D)"""
    present: NDArray[np.bool_]
    """(V,), whether the expert saw anything of the video."""
    temperature: float = 0.0
    """Of label words, for a classifier; 0 for a text tower."""

    def scores(self, calibration: "Calibration") -> Floats:
        """(C, V) calibrated scores; NaN for a video of which the expert saw nothing."""
        raw = (self.texts @ self.videos.T - np.float32(calibration.mean)) * np.float32(calibration.scale)
        return np.where(self.present, raw, np.float32(np.nan))


@dataclass(frozen=True)
class Calibration:
    """How the raw scores of an expert are brought to a scale that all share: (raw - mean) * scale."""

    mean: float
    scale: float

    @classmethod
    def of(cls, pairs: Aligned, caption_video: NDArray[np.int64]) -> "Calibration":
        """That under which wrong pairs have mean 0 and deviation SPREAD; `caption_video` (C,): the video of each.

        Which video is the right one is only looked up to leave it out. Pairs that all score the same are shifted, and
        without any wrong pair nothing is changed.
        """
        captions = spread(len(pairs.texts))
        rows = np.flatnonzero(pairs.present)
        rows = rows[spread(len(rows))]
        wrong = caption_video[captions][:, None] != rows
        raw = (pairs.texts[captions] @ pairs.videos[rows].T)[wrong].astype(np.float64)
        if not len(raw):
            return cls(0.0, 1.0)
        deviation = float(raw.std())
        return cls(float(raw.mean()), SPREAD / deviation if deviation > 1e-6 else 1.0)


def spread(count: int) -> NDArray[np.int64]:
    """At most MOST_PAIRS of the indices 0 to `count` - 1, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_PAIRS)).astype(np.int64))
