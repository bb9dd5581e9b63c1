"""Ragged arrays: rows of different lengths in one block, as stores return them and training takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.stores.mapped import filled


@dataclass(frozen=True)
class Ragged:
    """V rows of 0 or more D-dimensional vectors each, stored as one block with row offsets."""

    values: NDArray[np.float32]
    """(N, D), all rows concatenated."""
    offsets: NDArray[np.int64]
    """(V + 1,); row i is `values[offsets[i]:offsets[i + 1]]`."""
    folder: Path | None = None
    """On whose disk large arrays that are made of these lie, see `mapped.filled`; None: they are held in memory."""

    @classmethod
    def stack(cls, rows: Sequence[NDArray[np.float32]], dim: int) -> "Ragged":
        """The rows, each (n, dim) with n >= 0, as one block."""
        counts = [len(row) for row in rows]
        values = np.concatenate([np.zeros((0, dim), np.float32), *rows]).astype(np.float32, copy=False)
        return cls(values, np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """Row `index`, (n, D)."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def dim(self) -> int:
        """D, the length of each vector."""
        return int(self.values.shape[1])

    @property
    def counts(self) -> NDArray[np.int64]:
        """(V,), the number of vectors in each row."""
        return np.diff(self.offsets)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> "Ragged":
        """A new block with the rows at `indices`, in that order; an index may be repeated."""
        rows = np.asarray(indices, np.int64)
        offsets = np.concatenate([[0], np.cumsum(self.counts[rows])]).astype(np.int64)
        blocks = ((int(offsets[place]), self[int(row)]) for place, row in enumerate(rows))
        return Ragged(filled((int(offsets[-1]), self.dim), blocks, self.folder), offsets, self.folder)
