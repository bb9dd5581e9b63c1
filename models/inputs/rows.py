"""Rows of several vectors each: their means, and padded batches of them.

V rows, B of a batch, T time steps, D feature, N vectors in all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.stores.mapped import filled
from pipeline.stores.ragged import Ragged

SUMMED_AT_ONCE = 1 << 13
"""Number of vectors, and of rows, that are held in double precision at once; more where one row has more."""


@dataclass(frozen=True)
class Rows:
    """Ragged rows whose values are on a device."""

    values: Tensor
    """(N, D), at least one."""
    starts: Tensor
    counts: Tensor
    """(V,), at most `max_tokens`."""
    max_tokens: int

    @classmethod
    def of(cls, ragged: Ragged, max_tokens: int, device: torch.device) -> "Rows":
        """The first `max_tokens` vectors of each row of `ragged`."""
        values = torch.from_numpy(ragged.values if len(ragged.values) else np.zeros((1, ragged.dim), np.float32))
        counts = torch.from_numpy(ragged.counts).clamp(max=max_tokens)
        return cls(values.to(device), torch.from_numpy(ragged.offsets[:-1]), counts, max_tokens)

    def padded(self, rows: Tensor, trim: bool) -> tuple[Tensor, Tensor]:
        """The rows (B, T, D) padded with zeros, and the number of real vectors in each, (B,).

        `trim`: T is the longest of these rows; else T is max_tokens. The rows are on the device of the values, the
        numbers on the CPU.
        """
        counts = self.counts[rows]
        length = max(1, int(counts.max())) if trim else self.max_tokens
        steps = torch.arange(length)
        is_real = steps < counts.unsqueeze(1)
        indices = torch.where(is_real, self.starts[rows].unsqueeze(1) + steps, 0).to(self.values.device)
        return self.values[indices].masked_fill_(~is_real.unsqueeze(2).to(indices.device), 0), counts


def mean(ragged: Ragged) -> Tensor:
    """(V, D), the mean of each row; zeros for an empty row. In a mapped file where the rows would be."""
    means = ((start, values / np.maximum(counts, 1)[:, None]) for start, counts, values in sums(ragged))
    return torch.from_numpy(filled((len(ragged), ragged.dim), means, ragged.folder))


def sums(ragged: Ragged) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
    """Of some rows at a time the place of the first, the counts of their vectors, and their sums; zeros for an empty
    row. NumPy copies all that it sums in float64."""
    start = 0
    while start < len(ragged):
        last = np.searchsorted(ragged.offsets, ragged.offsets[start] + SUMMED_AT_ONCE, side="right") - 1
        stop = min(max(start + 1, int(last)), start + SUMMED_AT_ONCE, len(ragged))
        yield start, np.diff(ragged.offsets[start : stop + 1]), _sums_of(ragged, start, stop)
        start = stop


def _sums_of(ragged: Ragged, start: int, stop: int) -> NDArray[np.float64]:
    offsets = ragged.offsets[start : stop + 1]
    found, present = np.zeros((stop - start, ragged.dim)), np.diff(offsets) > 0
    if present.any():
        # Without the empty rows: for equal start and end reduceat gives the value at the start instead of 0.
        starts = (offsets[:-1] - offsets[0])[present]
        found[present] = np.add.reduceat(ragged.values[offsets[0] : offsets[-1]], starts, axis=0, dtype=np.float64)
    return found
