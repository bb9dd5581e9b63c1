"""The frames that an expert is shown of a segment, on a grid that is fixed for the whole video."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.shown.needs import FrameNeed, SpreadNeed
from extractors.shown.shown_views import FrameView
from pipeline.media.video import VideoInfo

EDGE_S = 1e-6
"""Tolerance for floating-point times: a grid point this close to the end of a video lies outside it."""


class GridFrames(dict[int, NDArray[Any]]):
    """Grid index -> frame. Those that are added one after another lie in one array, so that a view copies none."""

    num_damaged = 0
    """How many of them were decoded with errors."""

    def __init__(self, expected: int = 0) -> None:
        """For so many frames."""
        super().__init__()
        self._expected = expected
        self._row: NDArray[Any] | None = None
        self._placed: list[int] = []

    def add(self, index: int, frame: NDArray[Any]) -> None:
        """Adds a copy of the frame."""
        if self._row is None:
            self._row = np.empty((self._expected, *frame.shape), frame.dtype)
        self._row[len(self._placed)] = frame
        self[index] = self._row[len(self._placed)]
        self._placed.append(index)

    def clear(self) -> None:
        """Lets go of all frames."""
        super().clear()
        self._row = None
        self._placed.clear()

    def in_order(self) -> NDArray[Any]:
        """(F, ...), the frames by their index; one that stands for several is there as often."""
        order = sorted(self)
        if self._row is not None and order == self._placed:
            return self._row[: len(order)]
        return np.stack([self[index] for index in order])


@dataclass(frozen=True)
class Grid:
    """The frames and items of a FrameNeed in one segment. Grid index k is the frame at k / fps from the first one."""

    need: FrameNeed
    first: int
    """Grid index of the first frame of the segment."""
    times_s: NDArray[np.float64]
    """(F,), times of the frames from `first` on."""
    starts: NDArray[np.int64]
    """(N,), grid indices of the first frames of the items; below 0 where an item begins with repeated frames."""
    offset_s: float = 0.0
    """Where that from which the times count begins in the file: of a clip its start."""

    def times_of(self, starts: NDArray[np.int64], info: VideoInfo) -> NDArray[np.float64]:
        """(n, 2), start and end in the video of what the items that begin at these grid indices stand for."""
        need = self.need
        length, offset = (need.window, 0) if need.margin is None else (need.stride, need.margin)
        starts_s = float(info.frame_times_s[0]) + (starts + offset) / need.fps
        return np.stack([starts_s, np.minimum(starts_s + length / need.fps, info.end_s)], axis=1)

    def repeat_ends(self, frames: GridFrames) -> None:
        """Adds the frames that items have beyond the ends of the video, of those that were decoded (one or more)."""
        first, end = self.first, self.first + len(self.times_s)
        last = int(self.starts[-1]) + self.need.window
        beyond = range(end, last)
        if self.need.margin is None and end < self.need.window:  # a short video: also what does not decode of it
            beyond = range(self.need.window)
        before, after = frames[min(frames)], frames[max(frames)]
        frames |= {index: before for index in range(int(self.starts[0]), first) if index not in frames}
        frames |= {index: after for index in beyond if index not in frames}


def grid_of(need: FrameNeed, info: VideoInfo, span_s: tuple[float, float], offset_s: float = 0.0) -> Grid:
    """The grid of the items that start within `span_s`; `info` is of the video or clip that begins at `offset_s`."""
    begin_s = float(info.frame_times_s[0])
    length = max(1, math.ceil((info.end_s - begin_s) * need.fps - EDGE_S))
    margin = need.margin or 0
    last_start = max(0, length - need.window) if need.margin is None else length - 1 - margin
    starts = np.arange(-margin, last_start + 1, need.stride, dtype=np.int64)
    starts_s = np.maximum(starts, 0) / need.fps
    starts = starts[(starts_s >= span_s[0] - EDGE_S) & (starts_s < span_s[1] - EDGE_S)]
    if not len(starts):
        return Grid(need, 0, np.zeros(0), starts, offset_s)
    frames = np.arange(max(0, starts[0]), min(starts[-1] + need.window, length))
    return Grid(need, int(frames[0]), begin_s + frames / need.fps, starts, offset_s)


def frames_note(num: int, expected: int, num_damaged: int, info: VideoInfo) -> str:
    """What is to be said of `num` frames that decode, of those that were `expected`; empty where nothing is."""
    shortfall = f"{num} of {expected} sampled frames decode" if num < expected else ""
    damage = f"{num_damaged} of {expected} sampled frames are damaged" if num_damaged else ""
    return "; ".join(filter(None, [shortfall, damage, info.note]))


def empty_frame_view(need: FrameNeed | SpreadNeed) -> FrameView:
    """A view without items, as of a segment after the last frame."""
    return FrameView(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, np.int64), need.window, np.zeros((0, 2)))
