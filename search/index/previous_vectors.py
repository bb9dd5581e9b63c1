"""Reads the vectors of an earlier index, so that a new one can copy them. N rows, E experts, D feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.index import vectors
from search.index.vectors import DIGESTS, MOMENT_TIMES, MOMENTS, VIDEOS, Floats, Vectors


@dataclass(frozen=True)
class VectorBlock:
    """The vectors of N videos of a block, or of N moments of these videos."""

    owners: NDArray[np.int64]
    """(N,), index within the block of the video that each row is or belongs to; ascending."""
    starts_s: NDArray[np.float64]
    """(N,)"""
    vectors: tuple[Floats, ...]
    """For each expert: (N, D_e)."""
    present: NDArray[np.bool_]
    """(N, E)"""

    def first(self, count: int) -> "VectorBlock":
        """The first `count` rows."""
        kept = tuple(values[:count] for values in self.vectors)
        return VectorBlock(self.owners[:count], self.starts_s[:count], kept, self.present[:count])

    def merged(self, other: "VectorBlock") -> "VectorBlock":
        """The rows of both, in the order of their videos."""
        order = np.argsort(np.concatenate([self.owners, other.owners]), kind="stable")
        pairs = zip(self.vectors, other.vectors, strict=True)
        return VectorBlock(
            np.concatenate([self.owners, other.owners])[order],
            np.concatenate([self.starts_s, other.starts_s])[order],
            tuple(np.concatenate(pair)[order] for pair in pairs),
            np.concatenate([self.present, other.present])[order],
        )


class PreviousVectors:
    """The vectors of the index in `folder`."""

    def __init__(self, folder: Path, experts: Sequence[str]) -> None:
        self._videos = vectors.load(folder / VIDEOS, experts)
        self._moments = vectors.load(folder / MOMENTS, experts)
        digests = np.load(folder / DIGESTS)
        self._order = np.argsort(digests)
        self._digests = digests[self._order]
        with np.load(folder / MOMENT_TIMES) as arrays:
            self._starts_s, self._offsets = arrays["starts_s"], arrays["offsets"]

    def rows_of(self, digests: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """The row of the video with each of these digests; -1 where there is none."""
        found = np.minimum(np.searchsorted(self._digests, digests), len(self._digests) - 1)
        return np.where(self._digests[found] == digests, self._order[found], -1)

    def videos(self, owners: NDArray[np.int64], rows: NDArray[np.int64]) -> VectorBlock:
        """The videos at `rows`, which are the videos `owners` of a block."""
        return _block(self._videos, owners, np.zeros(len(owners)), rows)

    def moments(self, owners: NDArray[np.int64], rows: NDArray[np.int64]) -> VectorBlock:
        """All moments of the videos at `rows`, which are the videos `owners` of a block."""
        counts = self._offsets[rows + 1] - self._offsets[rows]
        shift = self._offsets[rows] - np.concatenate([[0], np.cumsum(counts)])[:-1]
        moments = np.arange(counts.sum()) + np.repeat(shift, counts)
        return _block(self._moments, np.repeat(owners, counts), self._starts_s[moments], moments)


def _block(
    stored: Vectors, owners: NDArray[np.int64], starts_s: NDArray[np.float64], rows: NDArray[np.int64]
) -> VectorBlock:
    return VectorBlock(owners, starts_s, tuple(values[rows] for values in stored.vectors), stored.present[rows])
