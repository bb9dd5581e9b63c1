"""Base class of experts whose rows are shots: a score for each frame, of which the whole video then makes shots."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, Extractor
from pipeline.stores.parts import Features

EDGE = 1e-6
"""Tolerance of a number of frames that is computed from times."""
SCORES = "scores"


class Shot(NamedTuple):
    """Neighbouring frames that show one thing, as indices of the frames that the expert is shown."""

    first: int
    stop: int
    """One more than its last frame."""
    score: float
    """How sure the detector is of the boundary with which it begins, by the detector's own measure; 0 for the first."""


class ShotExtractor(Extractor):
    """One row for each shot of a video, in order; its one value is the score of the boundary with which it begins.

    Where a part of the video does not decode, the shot before it goes on, for nothing is seen of a boundary there.
    `params.fps` is the rate of the frames, and the need of the expert has a margin, so that each frame gets its score.
    """

    @property
    def dim(self) -> int:
        """1."""
        return 1

    @abstractmethod
    def shots(self, scores: NDArray[Any]) -> Sequence[Shot]:
        """The shots of a video whose L >= 1 frames have these scores (L,), by rising frames; at least one."""

    def per_frame(self, scores: NDArray[Any]) -> Embedded:
        """What `embed` returns for B items, for each of which there is a score for each of its frames, (B, stride)."""
        flat = scores.reshape(-1)
        index = np.repeat(np.arange(len(scores), dtype=np.int64), scores.shape[1])
        return Embedded(flat[:, None].astype(np.float32), index, {SCORES: flat})

    def finish(self, features: Features) -> Features:
        """The shots, of the scores of all frames."""
        if not len(features.values):
            return Features(features.values, features.times_s)
        scores, begin_s = _joined(features, self.params.fps), float(features.times_s[0, 0])
        shots = self.shots(scores)
        frames = np.array([shot[:2] for shot in shots], np.float64)
        times_s = np.minimum(begin_s + frames / self.params.fps, features.times_s[-1, 1])
        return Features(np.array([[shot.score] for shot in shots], np.float32), times_s)


def _joined(features: Features, fps: float) -> NDArray[Any]:
    """(L,) the scores from the first frame that was seen to the last one; 0 for those that were not.

    All rows of an item have the times of what it stands for; beyond the end of the video it has scores for nothing.
    """
    starts_s, ends_s = features.times_s.T
    begins = np.flatnonzero(np.diff(starts_s, prepend=-np.inf))  # of the items
    at = np.rint((starts_s - starts_s[0]) * fps).astype(np.int64)
    at += np.arange(len(at)) - np.repeat(begins, np.diff(begins, append=len(at)))
    length = int(at[begins[-1]]) + math.ceil((ends_s[-1] - starts_s[-1]) * fps - EDGE)
    seen = at < length
    scores = np.zeros(length, features.extras[SCORES].dtype)
    scores[at[seen]] = features.extras[SCORES][seen]
    return scores
