"""Retrieval metrics: ranks of the right answers, recalls, and mean and deviation over seeds. C captions, V videos.

Ranks count from 0. Among n equal scores, the rank is the mean of their n places, so that a constant matrix gives chance
whatever its order. Matrices are processed in chunks of rows, so that little memory is needed beside them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import TrainingError

CHUNK_ENTRIES = 1 << 24
"""Number of scores in a chunk; a comparison takes one byte for each."""
RECALLS = (1, 5, 10, 50)


def caption_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,): rank of each caption's video among all videos, by its row of `scores` (C, V)."""
    _check(scores, caption_video)
    right = scores[np.arange(len(scores)), caption_video]
    ranks = np.empty(len(scores))
    for rows in _chunks(scores):
        target = right[rows, None]
        ranks[rows] = _rank((scores[rows] > target).sum(1), (scores[rows] == target).sum(1))
    return ranks


def same_caption_ranks(
    scores: NDArray[np.float32], caption_video: NDArray[np.int64], texts: Sequence[str]
) -> NDArray[np.float64]:
    """(C,): rank of the first video that has a caption with exactly the same text; `texts` are the C captions.

    Among equal scores, the rank is the expected place of the first right video in a random order.
    """
    ranks = caption_ranks(scores, caption_video)
    groups = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True)[1]
    has_text = np.zeros((groups.max(initial=-1) + 1, scores.shape[1]), bool)
    has_text[groups, caption_video] = True
    several = np.flatnonzero(has_text.sum(1)[groups] > 1)
    for rows in np.array_split(several, len(several) * scores.shape[1] // CHUNK_ENTRIES + 1):
        chunk, right = scores[rows], has_text[groups[rows]]
        best = np.where(right, chunk, -np.inf).max(1, keepdims=True)
        tied = chunk == best
        ranks[rows] = (chunk > best).sum(1) + (tied & ~right).sum(1) / ((tied & right).sum(1) + 1)
    return ranks


def video_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(V,): rank of a video's best caption among all captions, by its column of `scores` (C, V); NaN if it has none."""
    _check(scores, caption_video)
    best = np.full(scores.shape[1], -np.inf, scores.dtype)
    np.maximum.at(best, caption_video, scores[np.arange(len(scores)), caption_video])
    ranks = _column_ranks(scores, best[None])[0]
    return np.where(np.isneginf(best), np.nan, ranks)


def each_caption_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,): rank of each caption among all captions, by the column of its video in `scores` (C, V).

    The other captions of the video compete with it: only one of them can be first.
    """
    _check(scores, caption_video)
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

    NaN ranks are left out. A tie at the top has rank 0.5 and is no hit for R@1. Raises TrainingError without any rank.
    """
    ranks = ranks[~np.isnan(ranks)]
    if not len(ranks):
        raise TrainingError("there is no caption to evaluate; give the evaluated split at least one")
    # As released: a rank of 4.5 counts for R@5, but one of 0.5 does not for R@1.
    found = {f"R@{k}": 100 * float((ranks < k if k > 1 else ranks == 0).mean()) for k in RECALLS}
    geometric = float(np.prod([found["R@1"], found["R@5"], found["R@10"]]) ** (1 / 3))
    return found | {"MdR": float(np.median(ranks)) + 1, "MnR": float(ranks.mean()) + 1, "geometric_mean": geometric}


def over_seeds(summaries: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Metric -> mean, std (divisor n - 1; 0 for one seed), and the value of each seed."""
    table = {}
    for name in summaries[0]:
        values = [float(metrics[name]) for metrics in summaries]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        table[name] = {"mean": float(np.mean(values)), "std": spread, "seeds": values}
    return table


def _check(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> None:
    """Raises TrainingError for NaN scores, and for captions that do not match the rows."""
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
    """(N, V): ranks of the scores `wanted` (N, V) within the columns of `scores` (C, V)."""
    above, equal = np.zeros(wanted.shape, np.int64), np.zeros(wanted.shape, np.int64)
    for rows in _chunks(scores):
        for index, targets in enumerate(wanted):
            above[index] += (scores[rows] > targets).sum(0)
            equal[index] += (scores[rows] == targets).sum(0)
    return _rank(above, equal)


def _rank(above: NDArray[np.int64], equal: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean place of `equal` tied scores below `above` higher ones; the right one is among the `equal`."""
    return above + (equal - 1) / 2
