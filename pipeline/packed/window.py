"""A piece of an open file as a file of its own."""

from typing import BinaryIO

from pipeline.remote.positioned import Positioned


class Window(Positioned):
    """The `size` bytes of a file from `start` on, to be read; the file is closed with it."""

    def __init__(self, file: BinaryIO, start: int, size: int, name: str) -> None:
        super().__init__(size, name)
        self._file, self._start = file, start

    def read(self, size: int | None = -1) -> bytes:
        """`size` bytes, fewer at the end of the piece, all where it is -1."""
        rest = max(0, self._size - self._position)
        self._file.seek(self._start + self._position)
        piece = self._file.read(rest if size is None or size < 0 else min(size, rest))
        self._position += len(piece)
        return piece

    def close(self) -> None:
        """Closes the file too."""
        self._file.close()
        super().close()
