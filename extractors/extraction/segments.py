"""The segments of videos and clips, as the decode workers get them, and what they return."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors import registry
from extractors.extraction.frame_grid import EDGE_S
from pipeline.media.video import PIECE_S

SEGMENT_S = PIECE_S


@dataclass(frozen=True)
class Segment:
    """One segment of one video or clip, for the experts that lack it."""

    path: Path
    key: str
    """Content hash of the video, the key of its rows."""
    index: int
    """Of the piece of the file."""
    experts: tuple[registry.ExpertId, ...]
    in_order: bool = False
    """Whether the file is read on from where the segment before it ended (see `VideoInfo.seekable`)."""
    is_retry: bool = False
    """Whether its worker hung or died the first time; its frames are then read by decord where that shows the same, but
    for the rounding of what is shrunk (second_decoder.py)."""
    clip_s: tuple[float, ...] = ()
    """Of a clip its start and end in the file; empty for a whole video."""

    @property
    def offset_s(self) -> float:
        """Where the video or clip begins in the file; its own times count from there."""
        return self.clip_s[0] if self.clip_s else 0.0

    @property
    def span_s(self) -> tuple[float, float]:
        """Start and end of the piece, in the times of the video or clip."""
        return self.index * SEGMENT_S - self.offset_s, (self.index + 1) * SEGMENT_S - self.offset_s


@dataclass(frozen=True)
class Piece:
    """A job of the decode workers: the segments of a video and its clips that lie in one piece of its file."""

    segments: tuple[Segment, ...]

    @property
    def in_order(self) -> bool:
        """As of its segments."""
        return self.segments[0].in_order


@dataclass(frozen=True)
class Prepared:
    """The items of one expert in one segment, N for `embed`, or the reason why there are none."""

    items: NDArray[Any]
    """(N, ...)"""
    times_s: NDArray[np.float64]
    """(N, 2)"""
    note: str = ""
    """What is missing: a stream, or frames that do not decode."""
    failed: bool = False
    """There are no items because of an error, not because the video has none."""

    @classmethod
    def nothing(cls, note: str, failed: bool) -> "Prepared":
        """No items, for the reason in `note`."""
        return cls(np.zeros((0,)), np.zeros((0, 2)), note, failed)


def num_segments(duration_s: float) -> int:
    """Number of segments of a video of this length, at least 1."""
    return max(1, math.ceil(duration_s / SEGMENT_S - EDGE_S))
