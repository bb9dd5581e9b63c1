"""How far a number may be chance: intervals by drawing the videos again, and a paired test between two runs.

S seeds, N queries, V videos, K recalls. A video is drawn with all its queries, for these are alike; the gallery stays.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RECALLS = (1, 5, 10)
DRAWS = 1000
SIGN_FLIPS = 10_000
SEED = 0
"""Of the drawing, so that the same ranks give the same interval."""


@dataclass(frozen=True)
class Difference:
    """By how many percent points of a recall one run is above another."""

    mean: float
    low: float
    high: float
    """Between these two in 95 of 100 draws of the videos."""
    p: float
    """Share of random exchanges of the two runs, video by video, that differ at least as much."""


def intervals(ranks: NDArray[np.float64], owners: NDArray[np.int64], num_videos: int) -> dict[str, list[float]]:
    """R@1, R@5, R@10 -> [low, high] in percent, between which 95 of 100 draws put the mean over the seeds.

    Of ranks (S, N) from 0 whose queries belong to the videos `owners` (N,). NaN ranks are left out.
    """
    real = ~np.isnan(ranks).any(0)
    found, counts = _by_video(_hits(ranks[:, real]).mean(0), owners[real], num_videos)
    weights = _draws(counts)
    recalls = 100 * (weights @ found) / (weights @ counts)[:, None]
    low, high = np.percentile(recalls, [2.5, 97.5], axis=0)
    return {f"R@{k}": [float(low[index]), float(high[index])] for index, k in enumerate(RECALLS)}


def compare(
    one: NDArray[np.float64], other: NDArray[np.float64], owners: NDArray[np.int64], num_videos: int
) -> dict[str, Difference]:
    """R@1, R@5, R@10 -> how much better `other` is; both are ranks (S, N) from 0 of the same queries, S may differ."""
    gain = _hits(other).mean(0) - _hits(one).mean(0)
    gained, counts = _by_video(gain, owners, num_videos)
    weights = _draws(counts)
    drawn = 100 * (weights @ gained) / (weights @ counts)[:, None]
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    mean, p = 100 * gained.sum(0) / counts.sum(), _sign_flips(gained)
    return {
        f"R@{k}": Difference(float(mean[index]), float(low[index]), float(high[index]), float(p[index]))
        for index, k in enumerate(RECALLS)
    }


def _hits(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S, N, K); as in `metrics.summary`, the first place cannot be shared."""
    return np.stack([ranks == 0 if k == 1 else ranks < k for k in RECALLS], -1).astype(np.float64)


def _by_video(
    values: NDArray[np.float64], owners: NDArray[np.int64], num_videos: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums (V, K) of values (N, K) over the queries of each video, and how many these are (V,); V with queries only."""
    sums = np.stack([np.bincount(owners, column, num_videos).astype(np.float64) for column in values.T], 1)
    counts = np.bincount(owners, minlength=num_videos).astype(np.float64)
    return sums[counts > 0], counts[counts > 0]


def _draws(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(DRAWS, V): how often each video is drawn when V are, with replacement."""
    chance = np.random.default_rng(SEED)
    return chance.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), DRAWS).astype(np.float64)


def _sign_flips(gained: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,): share of random signs of the gains (V, K) whose sum is at least as far from 0, the real one among them."""
    chance = np.random.default_rng(SEED)
    observed = np.abs(gained.sum(0))
    signs = chance.integers(0, 2, (SIGN_FLIPS, len(gained)), np.int8) * np.int8(2) - np.int8(1)
    sums = np.abs(signs @ gained)
    # Sums of the same numbers in another order differ in the last digits.
    shares: NDArray[np.float64] = ((sums >= observed - 1e-9).sum(0) + 1) / (SIGN_FLIPS + 1)
    return shares
