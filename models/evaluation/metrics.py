"""How good rankings are: ranks of the right answers, recalls, and their spread over seeds. C captions, V videos.

Ranks count from 0 and share ties: among n equal scores the rank is the middle of their n places, so that a constant
matrix gives chance, whatever its order. Chunks of rows keep what is needed beside the matrix small.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import TrainingError

CHUNK_ENTRIES = 1 << 24
"""Scores that are compared at once; a comparison takes a byte each."""
RECALLS = (1, 5, 10, 50)


def caption_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,): place of each caption's own video among all videos, by its row of `scores` (C, V)."""
    check(scores, caption_video)
    right = scores[np.arange(len(scores)), caption_video]
    ranks = np.empty(len(scores))
    for rows in _chunks(scores):
        own = right[rows, None]
        ranks[rows] = _rank((scores[rows] > own).sum(1), (scores[rows] == own).sum(1))
    return ranks


def same_caption_ranks(
    scores: NDArray[np.float32], caption_video: NDArray[np.int64], texts: Sequence[str]
) -> NDArray[np.float64]:
    """(C,): place of the first video that bears exactly the words of each caption; `texts` are the C captions.

    Several right videos among n equal scores share the places evenly, so that the first of them is expected early.
    """
    ranks = caption_ranks(scores, caption_video)
    groups = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True)[1]
    bears = np.zeros((groups.max(initial=-1) + 1, scores.shape[1]), bool)
    bears[groups, caption_video] = True
    several = np.flatnonzero(bears.sum(1)[groups] > 1)
    for rows in np.array_split(several, len(several) * scores.shape[1] // CHUNK_ENTRIES + 1):
        mine, right = scores[rows], bears[groups[rows]]
        best = np.where(right, mine, -np.inf).max(1, keepdims=True)
        tied = mine == best
        ranks[rows] = (mine > best).sum(1) + (tied & ~right).sum(1) / ((tied & right).sum(1) + 1)
    return ranks


def video_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(V,): place of the best of a video's captions among all, by its column of `scores` (C, V); NaN without one."""
    check(scores, caption_video)
    best = np.full(scores.shape[1], -np.inf, scores.dtype)
    np.maximum.at(best, caption_video, scores[np.arange(len(scores)), caption_video])
    ranks = _column_ranks(scores, best[None])[0]
    return np.where(np.isneginf(best), np.nan, ranks)


def each_caption_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,): place of each caption among all captions, by the column of its own video in `scores` (C, V).

    The other captions of the video compete with it: of n captions only one can come first.
    """
    check(scores, caption_video)
    order = np.argsort(caption_video, kind="stable")
    counts = np.bincount(caption_video, minlength=scores.shape[1])
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    wanted = np.full((counts.max(initial=0), scores.shape[1]), np.inf, scores.dtype)
    wanted[place, caption_video[order]] = scores[order, caption_video[order]]
    ranks = np.empty(len(scores))
    ranks[order] = _column_ranks(scores, wanted)[place, caption_video[order]]
    return ranks


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


def over_seeds(summaries: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Metric -> mean, std, and the value of each seed; the deviation has divisor n - 1, and is 0 for one seed."""
    table = {}
    for name in summaries[0]:
        values = [float(one[name]) for one in summaries]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        table[name] = {"mean": float(np.mean(values)), "std": spread, "seeds": values}
    return table


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


def _column_ranks(scores: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, V): places of the N scores `wanted` (N, V) of each column among all in that column of `scores` (C, V)."""
    above, equal = np.zeros(wanted.shape, np.int64), np.zeros(wanted.shape, np.int64)
    for rows in _chunks(scores):
        for index, one in enumerate(wanted):
            above[index] += (scores[rows] > one).sum(0)
            equal[index] += (scores[rows] == one).sum(0)
    return _rank(above, equal)


def _rank(above: NDArray[np.int64], equal: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean place of `equal` scores, one of them the right one, below `above` better ones."""
    return above + (equal - 1) / 2
