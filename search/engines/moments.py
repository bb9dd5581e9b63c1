"""Cuts videos into moments: intervals of equal length, each with the feature vectors that fall into it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.stores.ragged import Ragged


@dataclass(frozen=True)
class Moments:
    """The M moments of V videos, in the order of the videos; moments without vectors are left out."""

    starts_s: NDArray[np.float64]
    """(M,), start of each moment."""
    offsets: NDArray[np.int64]
    """(V + 1,); video i has the moments offsets[i] to offsets[i + 1] - 1."""
    features: dict[str, Ragged]
    """Expert -> M rows, the vectors of each moment."""


def cut(features: Mapping[str, Ragged], times_s: Mapping[str, Ragged], moment_s: float) -> Moments:
    """The moments of length `moment_s`; a vector belongs to the moment that contains the middle of its interval.

    `features`, `times_s`: expert -> V rows, of (n, D) and of (n, 2) start and end.
    """
    slots = {name: (_middles(times_s[name]) // moment_s).astype(np.int64) for name in features}
    owners = {name: np.repeat(np.arange(len(rows)), rows.counts) for name, rows in features.items()}
    pairs = np.concatenate([np.stack([owners[name], slots[name]], 1) for name in features])
    moments = np.unique(pairs, axis=0)
    num_videos = len(next(iter(features.values())))
    cut_features = {}
    for name, rows in features.items():
        index = _index_of(moments, np.stack([owners[name], slots[name]], 1))
        order = np.argsort(index, kind="stable")
        counts = np.bincount(index, minlength=len(moments))
        cut_features[name] = Ragged(rows.values[order], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    offsets = np.searchsorted(moments[:, 0], np.arange(num_videos + 1)).astype(np.int64)
    return Moments(moments[:, 1] * moment_s, offsets, cut_features)


def _middles(times_s: Ragged) -> NDArray[np.float64]:
    middles: NDArray[np.float64] = times_s.values.astype(np.float64).mean(axis=1)
    return np.maximum(middles, 0.0)


def _index_of(moments: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of each of `rows` (N, 2) in the sorted `moments` (M, 2); both hold (video, slot)."""
    width = int(moments[:, 1].max(initial=0)) + 1
    index: NDArray[np.int64] = np.searchsorted(moments[:, 0] * width + moments[:, 1], rows[:, 0] * width + rows[:, 1])
    return index
