"""An array that grows on disk block by block, so that memory does not grow with the collection."""

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


class Column:
    """A .npy file; it can be read once the block is left in which it is filled."""

    def __init__(self, path: Path, row: tuple[int, ...] = (), dtype: Any = np.float32) -> None:
        """`row` is the shape of each of its rows."""
        self._row, self._dtype = row, np.dtype(dtype)
        self._file = path.open("wb")
        self._length = 0
        self._write_head()

    def append(self, block: NDArray[Any]) -> None:
        """More rows."""
        assert block.shape[1:] == self._row, f"rows of {block.shape[1:]} where {self._row} belong"
        self._file.write(np.ascontiguousarray(block, self._dtype).data)
        self._length += len(block)

    def _write_head(self) -> None:
        # numpy leaves room in a head for the first axis to grow, so that a longer one fits in its place.
        told = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._length, *self._row)}
        self._file.seek(0)
        npy.write_array_header_1_0(self._file, told)

    def __enter__(self) -> "Column":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write_head()
        self._file.close()
