"""Videos, or moments of videos, as the trained experts see them: memory-mapped, and scored in blocks.

N rows, E experts, D feature. The score is that of `models.ce.score`, of which a test makes sure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

UNSEEN = -1.0
"""Score of what no expert could see, as in `models.networks.ce`."""
BLOCK_ROWS = 16384
TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Query:
    """A caption, or a video in the place of one."""

    vectors: tuple[Floats, ...]
    """Of each expert: (D_e,), length 1."""
    weights: Floats
    """(E,), how much each expert counts."""

    def weighted(self, factors: Floats) -> "Query":
        """The same with the experts' weights times `factors` (E,)."""
        return Query(self.vectors, self.weights * factors)


@dataclass(frozen=True)
class Vectors:
    """N rows, on disk until they are needed."""

    experts: tuple[str, ...]
    of: tuple[Floats, ...]
    """Of each expert: (N, D_e)."""
    present: NDArray[np.bool_]
    """(N, E), whether the row has the expert."""

    def __len__(self) -> int:
        return len(self.present)

    def scores(self, query: Query) -> Floats:
        """(N,) in -1..1, of every row."""
        found = np.empty(len(self), np.float32)
        for start in range(0, len(self), BLOCK_ROWS):
            found[start : start + BLOCK_ROWS] = self._block(query, slice(start, start + BLOCK_ROWS))
        return found

    def scores_of(self, query: Query, rows: NDArray[np.int64]) -> Floats:
        """(len(rows),), of these rows alone."""
        return self._block(query, rows)

    def shares(self, query: Query, row: int) -> dict[str, float | None]:
        """What each expert adds to the row's score; None for an expert that the row lacks."""
        weights = query.weights * self.present[row]
        agreement = np.array([float(of[row] @ one) for of, one in zip(self.of, query.vectors, strict=True)])
        given = agreement * weights / max(float(weights.sum()), TINY)
        there = zip(self.experts, given, self.present[row], strict=True)
        return {name: float(share) if seen else None for name, share, seen in there}

    def query(self, row: int) -> Query:
        """The row itself as a query: its experts count the same, the ones it lacks nothing."""
        return Query(tuple(of[row] for of in self.of), self.present[row].astype(np.float32))

    def _block(self, query: Query, rows: slice | NDArray[np.int64]) -> Floats:
        present = self.present[rows].astype(np.float32)
        total = present @ query.weights
        summed = np.zeros(len(present), np.float32)
        for index, (of, one) in enumerate(zip(self.of, query.vectors, strict=True)):
            if query.weights[index] > 0:
                summed += (of[rows] @ one) * (present[:, index] * query.weights[index])
        return np.where(total > 0, summed / np.maximum(total, TINY), np.float32(UNSEEN)).astype(np.float32)


def save(folder: Path, experts: Sequence[str], of: Sequence[Floats], present: NDArray[np.bool_]) -> None:
    """One array a file, so that each can be mapped into memory."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "present.npy", present)
    for name, values in zip(experts, of, strict=True):
        np.save(folder / f"{name}.npy", values)


def load(folder: Path, experts: Sequence[str]) -> Vectors:
    """What `save` wrote, mapped."""
    of = tuple(np.load(folder / f"{name}.npy", mmap_mode="r") for name in experts)
    return Vectors(tuple(experts), of, np.load(folder / "present.npy"))
