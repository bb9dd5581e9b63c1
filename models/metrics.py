"""How good rankings are: ranks of the right answers, recalls, and their spread over seeds. C captions, V videos.

Ranks count from 0 and share ties: among n equal scores the rank is the middle of their n places, so that a constant
matrix gives chance, whatever its order. Chunks of rows keep what is needed beside the matrix small.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import TrainingError

CHUNK_ENTRIES = 1 << 24
"""Scores that are compared at once; a comparison takes a byte each."""
RECALLS = (1, 5, 10, 50)


@dataclass(frozen=True)
class Spread:
    """Mean over the seeds, and the sample deviation (divisor n - 1), None for a single seed."""

    mean: float
    std: float | None


def caption_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,): place of each caption's own video among all videos, by its row of `scores` (C, V)."""
    check(scores, caption_video)
    right = scores[np.arange(len(scores)), caption_video]
    ranks = np.empty(len(scores))
    for rows in _chunks(scores):
        own = right[rows, None]
        ranks[rows] = _rank((scores[rows] > own).sum(1), (scores[rows] == own).sum(1))
    return ranks


def video_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(V,): place of the best of a video's captions among all, by its column of `scores` (C, V); NaN without one."""
    check(scores, caption_video)
    best = np.full(scores.shape[1], -np.inf, scores.dtype)
    np.maximum.at(best, caption_video, scores[np.arange(len(scores)), caption_video])
    above, equal = np.zeros(len(best), np.int64), np.zeros(len(best), np.int64)
    for rows in _chunks(scores):
        above += (scores[rows] > best).sum(0)
        equal += (scores[rows] == best).sum(0)
    return np.where(np.isneginf(best), np.nan, _rank(above, equal))


def summary(ranks: NDArray[np.float64]) -> dict[str, float]:
    """R@1, R@5, R@10, R@50 in percent, MdR and MnR (from 1), and the geometric mean of the first three recalls.

    NaN ranks are left out. A tie at the top is no hit for R@1, for its rank is 0.5.
    """
    ranks = ranks[~np.isnan(ranks)]
    if not len(ranks):
        raise TrainingError("there is no caption to evaluate; give the evaluated split at least one")
    # As released: half a rank below the border is within it, but the first place cannot be shared.
    found = {f"R@{k}": 100 * float((ranks < k if k > 1 else ranks == 0).mean()) for k in RECALLS}
    geometric = float(np.prod([found["R@1"], found["R@5"], found["R@10"]]) ** (1 / 3))
    return found | {"MdR": float(np.median(ranks)) + 1, "MnR": float(ranks.mean()) + 1, "geometric_mean": geometric}


def over_seeds(summaries: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Mean and deviation of each number over one summary for each seed."""
    spread = {}
    for key in summaries[0]:
        values = np.array([one[key] for one in summaries])
        spread[key] = Spread(float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None)
    return spread


def check(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> None:
    """Refuses scores that no ranking can be made of: NaN, or captions that do not fit."""
    if len(scores) != len(caption_video):
        raise TrainingError(f"{scores.shape = } has not one row for each of {len(caption_video)} captions")
    for rows in _chunks(scores):
        bad = np.isnan(scores[rows])
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise TrainingError(
                f"the score of caption {rows.start + row} and video {column} is not a number: "
                "the training diverged or the features hold NaN; lower training.learning_rate or check the features"
            )


def _chunks(scores: NDArray[np.float32]) -> Iterator[slice]:
    size = max(1, CHUNK_ENTRIES // max(1, scores.shape[1]))
    return (slice(start, min(start + size, len(scores))) for start in range(0, len(scores), size))


def _rank(above: NDArray[np.int64], equal: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean place of `equal` scores, one of them the right one, below `above` better ones."""
    return above + (equal - 1) / 2
