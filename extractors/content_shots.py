"""Shots by what changes from frame to frame: the content and adaptive detectors of PySceneDetect, for hard cuts."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed, FrameView
from extractors.frames.shots import Shot, ShotExtractor
from pipeline import config

CHUNK = 25
"""Frames in an item."""


@dataclass(frozen=True)
class Params:
    """Settings of the detector; the defaults are those of PySceneDetect."""

    __pydantic_config__ = config.STRICT
    detector: Literal["adaptive", "content"] = "adaptive"
    """content: a cut is where the picture changes by `threshold`; adaptive: where it changes `ratio` times as much as
    around it, which a moving camera does not."""
    fps: float = 25.0
    """Frames per second that are compared; a boundary is known to 1 / fps."""
    short_px: int = 144
    """Short side of the frames."""
    threshold: float = 27.0
    """Of the detector content: mean change of a pixel's hue, saturation and value, in 0..255."""
    ratio: float = 3.0
    """Of the detector adaptive."""
    around: int = 2
    """Of the detector adaptive: frames on each side with which one is compared."""
    least: float = 15.0
    """Of the detector adaptive: a cut changes the picture by at least this, in the measure of `threshold`."""
    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 0.0)
    """Of the changes in hue, saturation, value and edges."""
    shortest_s: float = 0.6
    """Boundaries closer than this are one."""

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.short_px < 16 or self.around < 1:
            raise ValueError("fps and around must be above 0, and short_px at least 16")
        if min(self.threshold, self.ratio, self.least, self.shortest_s, *self.weights) < 0 or not any(self.weights):
            raise ValueError("threshold, ratio, least, shortest_s and weights must not be below 0, nor all weights 0")


class Expert(ShotExtractor):
    """One row for each shot."""

    version = 1
    params: Params

    @property
    def need(self) -> FrameNeed:
        """A second at a time, with the frame before it."""
        return FrameNeed(self.params.fps, self.params.short_px, CHUNK + 2, CHUNK, margin=1)

    def prepare(self, view: FrameView) -> NDArray[np.float64]:
        """(N, CHUNK), how much each frame differs from the one before it; 0 for the first frame of a video."""
        items = [view.frames[start : start + CHUNK + 1] for start in view.starts]
        return np.array([self._changes(frames) for frames in items], np.float64).reshape(-1, CHUNK)

    def embed(self, items: NDArray[np.float64]) -> Embedded:
        """The changes."""
        return self.per_frame(items)

    def _changes(self, frames: NDArray[np.uint8]) -> list[float]:
        """How much each frame of (T, H, W, 3) but the first differs from the one before it."""
        detector = self._detector()
        return [_change(detector, np.ascontiguousarray(frame[..., ::-1])) for frame in frames][1:]

    def shots(self, scores: NDArray[np.float64]) -> Sequence[Shot]:
        """Those between the cuts that PySceneDetect finds with these changes between frames."""
        detector = self._detector()
        _replay(detector, scores)
        cuts = _cuts(detector, len(scores), self.params.fps)
        edges = [0, *cuts, len(scores)]
        return [Shot(first, stop, float(scores[first])) for first, stop in itertools.pairwise(edges)]

    def _detector(self) -> Any:
        from scenedetect import AdaptiveDetector, ContentDetector

        settings, weights = self.params, ContentDetector.Components(*self.params.weights)
        shortest = round(settings.shortest_s * settings.fps)  # in frames, which are compared without rounding
        if settings.detector == "content":
            return ContentDetector(settings.threshold, shortest, weights)
        return AdaptiveDetector(settings.ratio, shortest, settings.around, settings.least, weights)


def _change(detector: Any, frame: NDArray[np.uint8]) -> float:
    """How much a frame (H, W, 3) in BGR differs from the one of the last call; 0 for the first.

    Private API, as is `_replay`: in public a detector tells its cuts alone, of frames that it is shown in one go. A
    test says when the method is gone.
    """
    return float(detector._calculate_frame_score(None, frame))


def _replay(detector: Any, scores: NDArray[np.float64]) -> None:
    """Has a detector take these for the differences between the frames that it is shown."""
    told = iter(scores.tolist())
    detector._calculate_frame_score = lambda timecode, frame: next(told)


def _cuts(detector: Any, length: int, fps: float) -> list[int]:
    """The frames with which a shot begins, rising, but for the first frame of the video."""
    from scenedetect import FrameTimecode

    nothing = np.zeros((1, 1, 3), np.uint8)
    clock = (FrameTimecode(frame, fps) for frame in range(length))
    found = [cut.frame_num for now in clock for cut in detector.process_frame(now, nothing)]
    return sorted({cut for cut in found if 0 < cut < length})
