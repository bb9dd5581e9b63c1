"""Embeddings of videos or moments by the trained experts: memory-mapped files, scored in blocks of rows.

The score is that of `models.networks.ce.score`, computed without torch; a test compares them.
N rows, E experts, D feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

VIDEOS, MOMENTS, MOMENT_TIMES, DIGESTS = "videos", "moments", "moments.npz", "names.npy"
"""Names in an index: folders of the vectors of videos and of moments, as `save` writes them; start times of the moments
with their offsets by video; a digest of the stored rows that the vectors of each video were made from."""

UNSEEN = -1.0
"""Score of a video for which no expert has features, as in `models.networks.ce`."""
BLOCK_ROWS = 16384
TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Query:
    """A query: the embedding of a text, or of a video whose neighbours are wanted."""

    vectors: tuple[Floats, ...]
    """For each expert: (D_e,), of length 1 but for networks that start from frozen scores."""
    weights: Floats
    """(E,), weight of each expert."""
    counted: Floats | None = None
    """(E,), 1 for the experts over whose weights a score is the mean, 0 for those that are added; None: all count."""

    def weighted(self, factors: Floats) -> "Query":
        """The query with its weights multiplied by `factors` (E,)."""
        return Query(self.vectors, self.weights * factors, self.counted)

    def totals(self, present: NDArray[np.bool_] | Floats) -> Floats:
        """(N,), by what the weighted sum of rows is divided that have these experts (N, E); 0 for a row without any."""
        every = present @ self.weights
        if self.counted is None:
            return every
        total = present @ (self.weights * self.counted)
        return np.asarray(np.where(total > 0, total, every > 0), np.float32)


@dataclass(frozen=True)
class Vectors:
    """N rows, read from disk when needed."""

    experts: tuple[str, ...]
    vectors: tuple[Floats, ...]
    """For each expert: (N, D_e)."""
    present: NDArray[np.bool_]
    """(N, E), whether the row has the expert."""

    def __len__(self) -> int:
        return len(self.present)

    def scores(self, query: Query) -> Floats:
        """(N,) scores of all rows, -1..1."""
        found = np.empty(len(self), np.float32)
        for start in range(0, len(self), BLOCK_ROWS):
            found[start : start + BLOCK_ROWS] = self._block(query, slice(start, start + BLOCK_ROWS))
        return found

    def scores_of(self, query: Query, rows: NDArray[np.int64]) -> Floats:
        """(len(rows),) scores of these rows."""
        return self._block(query, rows)

    def shares(self, query: Query, row: int) -> dict[str, float | None]:
        """Expert -> its contribution to the row's score; None for an expert that the row lacks."""
        by_expert = zip(self.experts, self.shares_of(query, slice(row, row + 1))[0], self.present[row], strict=True)
        return {name: float(share) if present else None for name, share, present in by_expert}

    def shares_of(self, query: Query, rows: slice) -> Floats:
        """(n, E), the contribution of each expert to the scores of some rows; 0 where a row lacks it."""
        weights = query.weights * self.present[rows]
        pairs = zip(self.vectors, query.vectors, strict=True)
        cosines = np.stack([values[rows] @ vector for values, vector in pairs], axis=1)
        total = query.totals(self.present[rows].astype(np.float32))[:, None]
        return np.asarray(cosines * weights / np.maximum(total, TINY), np.float32)

    def query(self, row: int) -> Query:
        """The row as a query: weight 1 for the experts that it has, 0 for the others."""
        return Query(tuple(values[row] for values in self.vectors), self.present[row].astype(np.float32))

    def _block(self, query: Query, rows: slice | NDArray[np.int64]) -> Floats:
        present = self.present[rows].astype(np.float32)
        total = query.totals(present)
        summed = np.zeros(len(present), np.float32)
        for index, (values, vector) in enumerate(zip(self.vectors, query.vectors, strict=True)):
            if query.weights[index] > 0:
                summed += (values[rows] @ vector) * (present[:, index] * query.weights[index])
        return np.where(total > 0, summed / np.maximum(total, TINY), np.float32(UNSEEN)).astype(np.float32)


def save(folder: Path, experts: Sequence[str], values: Sequence[Floats], present: NDArray[np.bool_]) -> None:
    """Writes one file for each expert, whose `values` are (N, D_e), so that each can be mapped into memory."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "present.npy", present)
    for name, of_expert in zip(experts, values, strict=True):
        np.save(folder / f"{name}.npy", of_expert)


def load(folder: Path, experts: Sequence[str]) -> Vectors:
    """The vectors that `save` wrote to `folder`, memory-mapped."""
    values = tuple(np.load(folder / f"{name}.npy", mmap_mode="r") for name in experts)
    return Vectors(tuple(experts), values, np.load(folder / "present.npy"))
