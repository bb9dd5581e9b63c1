"""Writes an array to a .npy file block by block, so that memory does not grow with its length."""

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray


class GrowingArray:
    """Context manager that writes a .npy file; the file is valid once the context is left."""

    def __init__(self, path: Path, row: tuple[int, ...] = (), dtype: DTypeLike = np.float32) -> None:
        """`row`: shape of each row."""
        self._row, self._dtype = row, np.dtype(dtype)
        self._file = path.open("wb")
        self._length = 0
        self._write_header()

    def append(self, block: NDArray[Any]) -> None:
        """Appends rows."""
        assert block.shape[1:] == self._row, f"rows of {block.shape[1:]} where {self._row} belong"
        self._file.write(np.ascontiguousarray(block, self._dtype).data)
        self._length += len(block)

    def _write_header(self) -> None:
        # NumPy pads the header so that it keeps its size when the first axis grows.
        header = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._length, *self._row)}
        self._file.seek(0)
        npy.write_array_header_1_0(self._file, header)

    def __enter__(self) -> "GrowingArray":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write_header()
        self._file.close()
