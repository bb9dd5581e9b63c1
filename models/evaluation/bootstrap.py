"""Bootstrap confidence intervals of recalls, and a paired permutation test between two models.

Resampling draws videos, each with all of its queries, since these are correlated; the gallery stays the same.
S seeds, N queries, V videos, K recalls.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.metrics import Ranks

RECALLS = (1, 5, 10)
DRAWS = 1000
SIGN_FLIPS = 10_000
FEWEST = 10
"""Videos; of fewer no gain is sure."""
SEED = 0
"""Seed of the resampling, so that the same ranks give the same interval."""


@dataclass(frozen=True)
class Difference:
    """Difference in a recall between two models, in percentage points."""

    mean: float
    low: float
    high: float
    """`low` and `high` bound the 95 % confidence interval."""
    p: float
    """p-value: share of random exchanges of the two models, video by video, with at least this difference."""


def intervals(ranks: Sequence[Ranks], owners: NDArray[np.int64], num_videos: int) -> dict[str, list[float]]:
    """R@1, R@5, R@10 -> [low, high] in percent, the 95 % confidence interval of the mean over the seeds.

    `ranks`: of N queries, for each seed; those without a right answer are left out. `owners` (N,): the video of each
    query.
    """
    hits = _hits(ranks)
    real = ~np.isnan(hits).any((0, 2))
    found, counts = _by_video(hits[:, real].mean(0), owners[real], num_videos)
    weights = _draws(counts)
    recalls = 100 * (weights @ found) / (weights @ counts)[:, None]
    low, high = np.percentile(recalls, [2.5, 97.5], axis=0)
    return {f"R@{k}": [float(low[index]), float(high[index])] for index, k in enumerate(RECALLS)}


def compare(
    first: Sequence[Ranks], second: Sequence[Ranks], owners: NDArray[np.int64], num_videos: int
) -> dict[str, Difference]:
    """R@1, R@5, R@10 -> by how much `second` is above `first`.

    Both are ranks of the same N queries for each seed; their numbers of seeds may differ. `owners` (N,): the video of
    each query.
    """
    gain = _hits(second).mean(0) - _hits(first).mean(0)
    gained, counts = _by_video(gain, owners, num_videos)
    weights = _draws(counts)
    drawn = 100 * (weights @ gained) / (weights @ counts)[:, None]
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    mean, p = 100 * gained.sum(0) / counts.sum(), _sign_flips(gained)
    return {
        f"R@{k}": Difference(float(mean[index]), float(low[index]), float(high[index]), float(p[index]))
        for index, k in enumerate(RECALLS)
    }


def interval(gain: NDArray[np.float64], owners: NDArray[np.int64], num_videos: int) -> tuple[float, float]:
    """Low and high end of the 95 % confidence interval of the mean of any gain (N,) of queries."""
    gained, counts = _by_video(gain[:, None], owners, num_videos)
    weights = _draws(counts)
    low, high = np.percentile((weights @ gained)[:, 0] / (weights @ counts), [2.5, 97.5])
    return float(low), float(high)


def low_of_many(gain: NDArray[np.float64], owners: NDArray[np.int64], num_videos: int, intervals: int) -> float:
    """Low end of the interval of the mean of any gain (N,) of queries, one of so many that hold with 95 % all at once.

    Each is Student's, of 1 - 0.05 / `intervals` (Bonferroni), since the ends of draws are too coarse so far out; the
    queries of a video count as one. Of fewer than FEWEST videos, which may gain alike by chance, it is at most 0.
    """
    from scipy.special import stdtrit

    gained, counts = _by_video(gain[:, None], owners, num_videos)
    mean, videos = float(gained.sum() / counts.sum()), len(counts)
    if videos < FEWEST:
        return min(0.0, float((gained[:, 0] / counts).min()))
    off = gained[:, 0] - mean * counts
    error = math.sqrt(float(off @ off) * videos / (videos - 1)) / float(counts.sum())
    return mean + float(stdtrit(videos - 1, 0.025 / intervals)) * error


def _hits(ranks: Sequence[Ranks]) -> NDArray[np.float64]:
    """(S, N, K): what each query adds to a recall, as in `metrics.summary`: 0 or 1, a fraction where scores tie."""
    return np.stack([np.stack([of_seed.hits(k) for k in RECALLS], -1) for of_seed in ranks])


def _by_video(
    values: NDArray[np.float64], owners: NDArray[np.int64], num_videos: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums (V, K) of values (N, K) over the queries of each video, and numbers of queries (V,); V with queries only."""
    sums = np.stack([np.bincount(owners, column, num_videos).astype(np.float64) for column in values.T], 1)
    counts = np.bincount(owners, minlength=num_videos).astype(np.float64)
    return sums[counts > 0], counts[counts > 0]


def _draws(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(DRAWS, V): how often each video occurs among V drawn with replacement."""
    chance = np.random.default_rng(SEED)
    return chance.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), DRAWS).astype(np.float64)


def _sign_flips(gained: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,): p-values, the share of random signs of the gains (V, K) whose sum is at least as far from 0 as observed."""
    chance = np.random.default_rng(SEED)
    observed = np.abs(gained.sum(0))
    signs = chance.integers(0, 2, (SIGN_FLIPS, len(gained)), np.int8) * np.int8(2) - np.int8(1)
    sums = np.abs(signs @ gained)
    # Sums of the same numbers in another order differ by rounding.
    shares: NDArray[np.float64] = ((sums >= observed - 1e-9).sum(0) + 1) / (SIGN_FLIPS + 1)
    return shares
