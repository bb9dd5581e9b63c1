"""The common part of files that are read from a position."""

import io
import os
from typing import Any


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
        """Moves the position, which may lie behind the end; UnsupportedOperation before the beginning.

        That is an OSError, as of a file on a disk, and a ValueError, as of bytes in memory.
        """
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise io.UnsupportedOperation(f"{self.name}: position {base + offset} is before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer; returns the number of bytes, 0 at the end."""
        piece = self.read(len(buffer)) or b""
        buffer[: len(piece)] = piece
        return len(piece)
