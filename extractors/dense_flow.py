"""Flow expert without a network: histograms of OpenCV's DIS optical flow by direction and speed.

P pairs of neighbouring frames in an item, A directions, V speeds.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import FrameNeed, FrameView, HandcraftedExtractor
from pipeline import config


@dataclass(frozen=True)
class Params:
    """Settings of the flow expert."""

    __pydantic_config__ = config.STRICT
    fps: float = 8.0
    """Frames per second."""
    window: int = 9
    """Frames in an item; one more than pairs."""
    stride: int = 8
    """Frames from the start of one item to the start of the next."""
    short_px: int = 120
    """Short side of the frames."""
    directions: int = 8
    """A, number of sectors; the first is centred on rightward, the next ones turn towards downward."""
    speeds: tuple[float, ...] = (0.04, 0.15, 0.3, 0.6)
    """Lower ends of the V speed bins, in short sides per second; a slower pixel counts as still."""
    grid: int = 3
    """The frame is also described in grid x grid cells."""

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.stride < 1 or self.grid < 1 or self.directions < 1:
            raise ValueError("fps, stride, grid and directions must be above 0")
        if self.window < 2:
            raise ValueError("window must be at least 2: flow is between two frames")
        if self.short_px < 32:
            raise ValueError("short_px must be at least 32, for the flow's coarse levels")
        if not self.speeds or self.speeds[0] <= 0 or list(self.speeds) != sorted(set(self.speeds)):
            raise ValueError("speeds must be above 0 and rise")


class Expert(HandcraftedExtractor):
    """One row per window: directions and speeds over the frame, directions and moving fraction of each cell."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """A V + V + 1 + grid^2 (A + 1)."""
        num_directions, num_speeds = self.params.directions, len(self.params.speeds)
        return (num_directions + 1) * num_speeds + 1 + self.params.grid**2 * (num_directions + 1)

    @property
    def need(self) -> FrameNeed:
        """Windows of frames."""
        return FrameNeed(self.params.fps, self.params.short_px, self.params.window, self.params.stride)

    def prepare(self, view: FrameView) -> NDArray[np.float32]:
        """(N, D)."""
        counts = self._count_pairs(view.frames)
        per_item = [counts[start : start + view.window - 1].sum(axis=0) for start in view.starts]
        return np.array([self._describe(count) for count in per_item], np.float32).reshape(-1, self.dim)

    def _count_pairs(self, frames: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(T - 1, grid^2, A, V + 1): pixel counts by cell, direction and speed of each pair of frames."""
        import cv2

        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        return np.array([self._count(dis, *pair) for pair in pairwise(grey)])

    def _count(self, dis: Any, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(grid^2, A, V + 1) pixel counts of one pair of frames (H, W); the first speed is that of still pixels."""
        num_directions, num_speeds, grid = self.params.directions, len(self.params.speeds), self.params.grid
        flow = dis.calc(before, after, None)
        across, down = flow[..., 0], flow[..., 1]
        # In this order, for it decides the last digit: as np.hypot, which takes twice as long.
        lengths = np.sqrt(across.astype(np.float64) ** 2 + down.astype(np.float64) ** 2).astype(np.float32)
        speed = lengths * self.params.fps / min(before.shape)
        turn = np.arctan2(down, across) / (2 * np.pi)
        direction = np.rint(turn * num_directions).astype(np.int32)
        direction += num_directions * (direction < 0)
        code = _cells(*before.shape, grid) * num_directions + direction
        code *= num_speeds + 1
        for lower in self._lower_speeds:
            code += speed >= lower
        counts = np.bincount(code.ravel(), minlength=grid**2 * num_directions * (num_speeds + 1))
        return counts.reshape(grid**2, num_directions, num_speeds + 1).astype(np.float64)

    @property
    def _lower_speeds(self) -> list[np.float32]:
        """The lower ends of the speed bins as the least float32 that are no lower, for speeds are of that type."""
        rounded = [np.float32(speed) for speed in self.params.speeds]
        return [
            near if float(near) >= exact else np.nextafter(near, np.float32(np.inf))
            for near, exact in zip(rounded, self.params.speeds, strict=True)
        ]

    def _describe(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(D,) from the counts (grid^2, A, V + 1) of an item."""
        whole = counts.sum(axis=0)
        moving = whole[:, 1:]
        cells = np.concatenate([_unit(counts[:, :, 1:].sum(axis=2)), _moving_fraction(counts)[:, None]], axis=1)
        blocks = [_unit(moving.ravel()), _unit(moving.sum(axis=0)), _moving_fraction(whole[None])]
        return np.concatenate([*blocks, cells.ravel() / self.params.grid])


@lru_cache(maxsize=4)
def _cells(height: int, width: int, grid: int) -> NDArray[np.int32]:
    """(H, W), number of the cell of each pixel, row by row."""
    rows, columns = np.arange(height)[:, None] * grid // height, np.arange(width) * grid // width
    return np.asarray(rows * grid + columns, np.int32)


def _moving_fraction(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(cells,) square root of the fraction of moving pixels, so that a small object counts."""
    total = np.maximum(counts.sum(axis=(1, 2)), 1)
    fraction: NDArray[np.float64] = np.sqrt(counts[:, :, 1:].sum(axis=(1, 2)) / total)
    return fraction


def _unit(histograms: NDArray[np.float64]) -> NDArray[np.float64]:
    """The histograms (..., bins) with length 1; an empty histogram stays 0."""
    unit: NDArray[np.float64] = histograms / np.maximum(np.linalg.norm(histograms, axis=-1, keepdims=True), 1e-9)
    return unit
