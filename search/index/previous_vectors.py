"""The vectors of an index that was written before, to be taken over. N rows, E experts, D feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.index import vectors
from search.index.vectors import Floats, Vectors

VIDEOS, MOMENTS, CUTS, NAMES = "videos", "moments", "moments.npz", "names.npy"
"""What an index with vectors holds: both as `vectors.save` has them, where each moment is, what names each video."""


@dataclass(frozen=True)
class Seen:
    """N videos of a block, or N moments of them."""

    owners: NDArray[np.int64]
    """(N,), which video of the block each is or belongs to; rising."""
    starts_s: NDArray[np.float64]
    """(N,)"""
    of: tuple[Floats, ...]
    """Of each expert: (N, D_e)."""
    present: NDArray[np.bool_]
    """(N, E)"""

    def first(self, count: int) -> "Seen":
        """The first `count` of them."""
        of = tuple(values[:count] for values in self.of)
        return Seen(self.owners[:count], self.starts_s[:count], of, self.present[:count])

    def joined(self, other: "Seen") -> "Seen":
        """Both, in the order of the videos."""
        order = np.argsort(np.concatenate([self.owners, other.owners]), kind="stable")
        of = tuple(np.concatenate([mine, more])[order] for mine, more in zip(self.of, other.of, strict=True))
        owners = np.concatenate([self.owners, other.owners])[order]
        starts_s = np.concatenate([self.starts_s, other.starts_s])[order]
        return Seen(owners, starts_s, of, np.concatenate([self.present, other.present])[order])


class Older:
    """What is in the folder of an index."""

    def __init__(self, folder: Path, experts: Sequence[str]) -> None:
        self._videos = vectors.load(folder / VIDEOS, experts)
        self._moments = vectors.load(folder / MOMENTS, experts)
        names = np.load(folder / NAMES)
        self._order = np.argsort(names)
        self._names = names[self._order]
        with np.load(folder / CUTS) as kept:
            self._starts_s, self._offsets = kept["starts_s"], kept["offsets"]

    def places(self, names: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """The row of each of these videos; -1 of those that are not there."""
        at = np.minimum(np.searchsorted(self._names, names), len(self._names) - 1)
        return np.where(self._names[at] == names, self._order[at], -1)

    def videos(self, owners: NDArray[np.int64], rows: NDArray[np.int64]) -> Seen:
        """The videos at `rows`, which are `owners` in a block."""
        return _taken(self._videos, owners, np.zeros(len(owners)), rows)

    def moments(self, owners: NDArray[np.int64], rows: NDArray[np.int64]) -> Seen:
        """Their moments."""
        counts = self._offsets[rows + 1] - self._offsets[rows]
        shift = self._offsets[rows] - np.concatenate([[0], np.cumsum(counts)])[:-1]
        pieces = np.arange(counts.sum()) + np.repeat(shift, counts)
        return _taken(self._moments, np.repeat(owners, counts), self._starts_s[pieces], pieces)


def _taken(of: Vectors, owners: NDArray[np.int64], starts_s: NDArray[np.float64], rows: NDArray[np.int64]) -> Seen:
    return Seen(owners, starts_s, tuple(values[rows] for values in of.of), of.present[rows])
