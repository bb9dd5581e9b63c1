"""Reads the rows of a store several times over, and its parts once."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pipeline.stores.parts import Reader

KEPT_BYTES = 1 << 28
"""Of arrays of parts that are kept; the parts of a larger store are read each time, but for the first ones."""


class KeepingReader(Reader):
    """A Reader that keeps the arrays of the parts that it has read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._kept: dict[tuple[int, str], NDArray[Any]] = {}
        self._room_bytes = KEPT_BYTES

    def _array(self, number: int, name: str) -> NDArray[Any]:
        array = self._kept.get((number, name))
        if array is None:
            array = super()._array(number, name)
            if array.nbytes <= self._room_bytes:
                self._kept[number, name] = array
                self._room_bytes -= array.nbytes
        return array
