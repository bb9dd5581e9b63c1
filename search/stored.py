"""Some rows of a store of features at a time: where each lies is looked up once, so that blocks can be read cheaply."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import parts, store
from pipeline.errors import StoreError
from pipeline.ragged import Ragged


class Stored:
    """The vectors of one expert, and when each is of."""

    def __init__(self, folder: Path, dim: int) -> None:
        self.folder, self.dim = folder, dim
        self._places: dict[str, tuple[Path, int, int]] = {}
        for part in store.parts(folder):
            for key, start, stop in spans(part):
                # Of a row that is there twice, once as a failure, the good one counts.
                if key not in self._places or stop > start:
                    self._places[key] = (part, start, stop)

    def count(self, key: str) -> int:
        """How many vectors the row has; StoreError when it is not in the store."""
        _, start, stop = self._place(key)
        return stop - start

    def read(self, keys: Sequence[str]) -> tuple[Ragged, Ragged]:
        """The rows called `keys`, in that order: vectors (n, D), and their start and end in seconds (n, 2)."""
        places = [self._place(key) for key in keys]
        arrays = {part: self._arrays(part) for part, start, stop in dict.fromkeys(places) if stop > start}
        nothing = (np.zeros((0, self.dim), np.float32), np.zeros((0, 2)))
        rows = [tuple(array[start:stop] for array in arrays.get(part, nothing)) for part, start, stop in places]
        return Ragged.stack([row[0] for row in rows], self.dim), Ragged.stack([row[1] for row in rows], 2)

    def _place(self, key: str) -> tuple[Path, int, int]:
        if key not in self._places:
            raise StoreError(f"{self.folder}: no row {key}; run the extraction again")
        return self._places[key]

    def _arrays(self, part: Path) -> tuple[NDArray[Any], NDArray[Any]]:
        """Values and times of a part, as long as its rows say."""
        values, times = parts.read_array(part, "values"), parts.read_array(part, "times_s")
        length = sum(row.count for row in store.rows_of(part))
        if values is None or times is None or values.shape != (length, self.dim) or times.shape != (length, 2):
            raise StoreError(f"{part}: not {length} vectors of length {self.dim}; delete this folder and run again")
        return values, times


def spans(part: Path) -> Iterator[tuple[str, int, int]]:
    """The key of each row of a part, and where its vectors start and stop."""
    at = 0
    for row in store.rows_of(part):
        yield row.key, at, at + row.count
        at += row.count
