"""Retrieval metrics: ranks of the right answers, recalls, and mean and deviation over seeds. C captions, V videos.

Ranks count from 0. Equal scores stand in no order: each metric is its mean over all orders of them, so that a constant
matrix gives chance in every metric. Matrices are processed in chunks of rows, so that little memory is needed beside
them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import TrainingError

CHUNK_ENTRIES = 1 << 17
"""Scores in a chunk: few enough to stay in a processor's cache while they are compared several times."""
CHUNK_ROWS = 255
"""Rows in a chunk: the most whose count in a column fits into one byte."""
RECALLS = (1, 5, 10, 50)
MONITOR = "geometric_mean"
"""Metric by which the best epoch is chosen, and a trained model is compared with none."""


@dataclass(frozen=True)
class Ranks:
    """Where the best right answer of each of N queries stands, and how many answers have exactly its score."""

    above: NDArray[np.int64]
    """(N,): number of answers with a higher score."""
    wrong: NDArray[np.int64]
    """(N,): number of wrong answers with the same score."""
    right: NDArray[np.int64]
    """(N,): number of right answers with the same score, itself included; 0 for a query that has no right answer."""

    @property
    def mean(self) -> NDArray[np.float64]:
        """(N,): rank of the first right answer, from 0, as a mean over all orders of the equal scores; NaN without."""
        return np.where(self.right > 0, self.above + self.wrong / (self.right + 1), np.nan)

    @property
    def middle(self) -> NDArray[np.float64]:
        """(N,): mean rank of all answers with that score, right or wrong, as the authors released it; NaN without."""
        return np.where(self.right > 0, self.above + (self.wrong + self.right - 1) / 2, np.nan)

    @property
    def equal(self) -> NDArray[np.int64]:
        """(N,): number of answers with that score, right or wrong; 1 where nothing ties."""
        return self.wrong + self.right

    def hits(self, k: int) -> NDArray[np.float64]:
        """(N,): probability that a right answer is among the first `k`, all orders of equal scores being as likely.

        That is j / n for one right answer among n equal ones of which j belong to the first `k`, and for several
        1 - C(wrong, j) / C(n, j), by the hypergeometric distribution. 0 or 1 where nothing ties; NaN without an answer.
        """
        equal = np.maximum(self.equal, 1)
        inside = np.clip(k - self.above, 0, equal)
        found = inside / equal
        several = np.flatnonzero((self.right > 1) & (inside > 0))
        wrong, drawn, among = self.wrong[several], inside[several], equal[several]
        missed = np.ones(len(several))
        for place in range(drawn.max(initial=0)):  # at most k
            missed *= np.where(place < drawn, np.maximum(wrong - place, 0) / np.maximum(among - place, 1), 1)
        found[several] = 1 - missed
        return np.where(self.right > 0, found, np.nan)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "Ranks":
        """The ranks of some of the queries."""
        return Ranks(self.above[rows], self.wrong[rows], self.right[rows])


def caption_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> Ranks:
    """Ranks of C queries: each caption's video among all videos, by its row of `scores` (C, V)."""
    _check(scores, caption_video)
    target = scores[np.arange(len(scores)), caption_video, None]
    above, equal = (np.empty(len(scores), np.int64) for _ in range(2))
    for rows, found in _chunks(scores):
        # Sums of bool are taken in int64, which is slower.
        above[rows] = np.greater(scores[rows], target[rows], out=found).view(np.int8).sum(1, dtype=np.int32)
        equal[rows] = np.equal(scores[rows], target[rows], out=found).view(np.int8).sum(1, dtype=np.int32)
    return _one_right(above, equal)


def same_caption_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64], texts: Sequence[str]) -> Ranks:
    """Ranks of C queries: the best video that has a caption with exactly the same text; `texts` are the C captions."""
    ranks = caption_ranks(scores, caption_video)
    groups = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True)[1]
    has_text = np.zeros((groups.max(initial=-1) + 1, scores.shape[1]), bool)
    has_text[groups, caption_video] = True
    several = np.flatnonzero(has_text.sum(1)[groups] > 1)
    for rows in np.array_split(several, len(several) * scores.shape[1] // CHUNK_ENTRIES + 1):
        chunk, right = scores[rows], has_text[groups[rows]]
        best = np.where(right, chunk, -np.inf).max(1, keepdims=True)
        tied = chunk == best
        ranks.above[rows] = (chunk > best).sum(1)
        ranks.right[rows] = (tied & right).sum(1)
        ranks.wrong[rows] = (tied & ~right).sum(1)
    return ranks


def video_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> Ranks:
    """Ranks of V queries: a video's best caption among all captions, by its column of `scores` (C, V)."""
    _check(scores, caption_video)
    own = scores[np.arange(len(scores)), caption_video]
    best = np.full(scores.shape[1], -np.inf, scores.dtype)
    np.maximum.at(best, caption_video, own)
    (above,), (equal,) = _column_counts(scores, best[None])
    right = np.bincount(caption_video[own == best[caption_video]], minlength=len(best))
    return Ranks(np.where(right > 0, above, 0), np.where(right > 0, equal - right, 0), right)


def each_caption_ranks(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> Ranks:
    """Ranks of C queries: each caption among all captions, by the column of its video in `scores` (C, V).

    The other captions of the video compete with it: only one of them can be first.
    """
    _check(scores, caption_video)
    order = np.argsort(caption_video, kind="stable")
    counts = np.bincount(caption_video, minlength=scores.shape[1])
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    wanted = np.full((counts.max(initial=0), scores.shape[1]), np.inf, scores.dtype)
    wanted[place, caption_video[order]] = scores[order, caption_video[order]]
    above, equal = (np.empty(len(scores), np.int64) for _ in range(2))
    for of_captions, of_places in zip((above, equal), _column_counts(scores, wanted), strict=True):
        of_captions[order] = of_places[place, caption_video[order]]
    return _one_right(above, equal)


def summary(ranks: Ranks) -> dict[str, float]:
    """R@1, R@5, R@10, R@50 in percent, MdR and MnR (from 1), and the geometric mean of the first three recalls.

    Recalls are what all orders of equal scores give in the mean. Queries without a right answer are left out.
    Raises TrainingError when none has one.
    """
    answered = _answered(ranks)
    return _with_means({k: 100 * float(answered.hits(k).mean()) for k in RECALLS}, answered.mean)


def released_summary(ranks: Ranks) -> dict[str, float]:
    """`summary` as the authors of Collaborative Experts count ties, for comparison with their own numbers.

    All of n equal scores have their middle rank. A query counts as a whole where that is below k, but at R@1 only
    where it is 0: a tie at the top is a miss, and n scores that are all equal have R@10 = 100 for n up to 20.
    """
    middle = _answered(ranks).middle
    return _with_means({k: 100 * float((middle < k if k > 1 else middle == 0).mean()) for k in RECALLS}, middle)


def _answered(ranks: Ranks) -> Ranks:
    """The queries that have a right answer; TrainingError when there are none."""
    answered = ranks.take(ranks.right > 0)
    if not len(answered.right):
        raise TrainingError("there is no caption to evaluate; give the evaluated split at least one")
    return answered


def _with_means(recalls: Mapping[int, float], ranks: NDArray[np.float64]) -> dict[str, float]:
    found = {f"R@{k}": recall for k, recall in recalls.items()}
    geometric = float(np.prod([found["R@1"], found["R@5"], found["R@10"]]) ** (1 / 3))
    return found | {"MdR": float(np.median(ranks)) + 1, "MnR": float(ranks.mean()) + 1, MONITOR: geometric}


def over_seeds(summaries: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Metric -> mean, std (divisor n - 1; 0 for one seed), and the value of each seed."""
    table = {}
    for name in summaries[0]:
        values = [float(metrics[name]) for metrics in summaries]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        table[name] = {"mean": float(np.mean(values)), "std": spread, "seeds": values}
    return table


def _check(scores: NDArray[np.float32], caption_video: NDArray[np.int64]) -> None:
    """Raises TrainingError for captions that do not match the rows."""
    if len(scores) != len(caption_video):
        raise TrainingError(f"{scores.shape = } has not one row for each of {len(caption_video)} captions")


def _chunks(scores: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    """The rows of each chunk, and an array of its shape to write comparisons into; TrainingError for a NaN in it."""
    size = min(CHUNK_ROWS, max(1, CHUNK_ENTRIES // max(1, scores.shape[1])))
    found = np.empty((size, scores.shape[1]), bool)
    for start in range(0, len(scores), size):
        rows = slice(start, min(start + size, len(scores)))
        if scores.shape[1] and np.isnan(scores[rows].min()):  # a NaN is the minimum, which is found without a copy
            row, column = np.argwhere(np.isnan(scores[rows]))[0]
            raise TrainingError(
                f"the score of caption {start + row} and video {column} is not a number: "
                "the training diverged or the features hold NaN; lower training.learning_rate or check the features"
            )
        yield rows, found[: rows.stop - start]


def _column_counts(
    scores: NDArray[np.float32], wanted: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N, V) twice: how many entries in the columns of `scores` (C, V) are above those of `wanted` (N, V), or equal."""
    above, equal = np.zeros(wanted.shape, np.int64), np.zeros(wanted.shape, np.int64)
    for rows, found in _chunks(scores):
        for index, targets in enumerate(wanted):
            above[index] += np.greater(scores[rows], targets, out=found).view(np.uint8).sum(0, dtype=np.uint8)
            equal[index] += np.equal(scores[rows], targets, out=found).view(np.uint8).sum(0, dtype=np.uint8)
    return above, equal


def _one_right(above: NDArray[np.int64], equal: NDArray[np.int64]) -> Ranks:
    """The ranks of queries whose one right answer is among the `equal`."""
    return Ranks(above, equal - 1, np.ones(len(above), np.int64))
