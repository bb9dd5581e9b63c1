"""Stretches of a video, each with the rows of features that fall into it: what a best second is chosen among."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.stores.ragged import Ragged


@dataclass(frozen=True)
class Moments:
    """M stretches of V videos, in the order of the videos."""

    starts_s: NDArray[np.float64]
    """(M,)"""
    offsets: NDArray[np.int64]
    """(V + 1,), video i has the moments offsets[i] to offsets[i + 1]."""
    features: dict[str, Ragged]
    """Expert -> M rows."""


def cut(features: Mapping[str, Ragged], times_s: Mapping[str, Ragged], moment_s: float) -> Moments:
    """The videos' features, cut by the middle of their `times_s` (V rows of (n, 2)) into stretches of `moment_s`."""
    places = {name: (_middles(times_s[name]) // moment_s).astype(np.int64) for name in features}
    owners = {name: np.repeat(np.arange(len(rows)), rows.counts) for name, rows in features.items()}
    every = np.concatenate([np.stack([owners[name], places[name]], 1) for name in features])
    moments = np.unique(every, axis=0)
    num_videos = len(next(iter(features.values())))
    found = {}
    for name, rows in features.items():
        index = _index_of(moments, np.stack([owners[name], places[name]], 1))
        order = np.argsort(index, kind="stable")
        counts = np.bincount(index, minlength=len(moments))
        found[name] = Ragged(rows.values[order], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    offsets = np.searchsorted(moments[:, 0], np.arange(num_videos + 1)).astype(np.int64)
    return Moments(moments[:, 1] * moment_s, offsets, found)


def _middles(times_s: Ragged) -> NDArray[np.float64]:
    middles: NDArray[np.float64] = times_s.values.astype(np.float64).mean(axis=1)
    return np.maximum(middles, 0.0)


def _index_of(moments: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of `rows` (N, 2) is in the sorted `moments` (M, 2)."""
    width = int(moments[:, 1].max(initial=0)) + 1
    index: NDArray[np.int64] = np.searchsorted(moments[:, 0] * width + moments[:, 1], rows[:, 0] * width + rows[:, 1])
    return index
