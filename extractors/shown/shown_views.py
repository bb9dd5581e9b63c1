"""What an expert gets for its need: decoded frames, samples, words, or several of these together.

N items, T frames, S samples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FrameView:
    """Frames decoded for a FrameNeed: item i is `frames[starts[i] : starts[i] + window]`, always complete.

    A video that is shorter than one window gives one item, padded with its last frame.
    """

    frames: NDArray[Any]
    """(T, H, W, 3) RGB in 0..255: uint8, or float32 where the need says `resize="bilinear_float"`."""
    starts: NDArray[np.int64]
    """(N,)"""
    window: int
    times_s: NDArray[np.float64]
    """(N, 2), start and end of each item in the video; where the need has a `margin`, of what it stands for."""

    @property
    def windows(self) -> NDArray[Any]:
        """The items, copied: (N, window, H, W, 3), of the type of `frames`."""
        items: NDArray[Any] = self.frames[self.starts[:, None] + np.arange(self.window)]
        return items


@dataclass(frozen=True)
class AudioView:
    """Samples decoded for an AudioNeed: item i is `samples[starts[i] : starts[i] + window]`, always complete."""

    samples: NDArray[np.float32]
    """(S,) in -1..1."""
    rate_hz: int
    starts: NDArray[np.int64]
    """(N,)"""
    window: int
    """Samples in an item."""
    times_s: NDArray[np.float64]
    """(N, 2), start and end of each item in the video."""

    @property
    def windows(self) -> NDArray[np.float32]:
        """The items, copied: (N, window)."""
        items: NDArray[np.float32] = self.samples[self.starts[:, None] + np.arange(self.window)]
        return items


@dataclass(frozen=True)
class WordView:
    """Words read for a SubtitleNeed, or the path for a NameNeed."""

    words: NDArray[np.str_]
    """(N,)"""
    times_s: NDArray[np.float64]
    """(N, 2), start and end of each word in the video."""


@dataclass(frozen=True)
class JointView:
    """Frames, sound and words for a JointNeed. What a video has not, or the need does not ask for, is None."""

    frames: FrameView
    """Its items are those of the view."""
    sound: AudioView | None
    sound_items: NDArray[np.int64]
    """(N,), index of the item of `sound` that goes on when an item begins; -1 where the sound has ended or is none."""
    words: WordView | None
    word_spans: NDArray[np.int64]
    """(N, 2): the words that begin in an item are `words.words[first:stop]`."""

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N, 2), start and end of each item in the video."""
        return self.frames.times_s


View = FrameView | AudioView | WordView | JointView
