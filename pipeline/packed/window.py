"""Files that are read from a position: their common part, and a piece of an open file as a file of its own."""

import io
import os
from typing import Any, BinaryIO


class Positioned(io.RawIOBase):
    """A file of known size with a position; what is there is read by `read` of the class that derives from it."""

    def __init__(self, size: int, name: str) -> None:
        """`name` is what FFmpeg calls it: its suffix tells some formats."""
        super().__init__()
        self.name = name
        self._size, self._position = size, 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position of the next read, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves the position, which may lie behind the end; OSError before the beginning."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(22, "a position before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer; returns the number of bytes, 0 at the end."""
        piece = self.read(len(buffer)) or b""
        buffer[: len(piece)] = piece
        return len(piece)


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
