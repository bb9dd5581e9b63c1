import io
import os

import pytest

from pipeline.remote.positioned import Positioned


class Ones(Positioned):
    """So many bytes of 1."""

    def read(self, size=-1):
        rest = max(0, self._size - self._position)
        piece = b"\1" * (rest if size < 0 else min(size, rest))
        self._position += len(piece)
        return piece


def test_positions_are_those_of_bytes_in_memory():
    ours, theirs = Ones(9, "ones"), io.BytesIO(b"\1" * 9)
    for offset, whence in ((4, os.SEEK_SET), (3, os.SEEK_CUR), (-2, os.SEEK_END), (20, os.SEEK_SET), (0, os.SEEK_SET)):
        assert ours.seek(offset, whence) == theirs.seek(offset, whence) == ours.tell()
        buffer, other = bytearray(5), bytearray(5)
        assert (ours.readinto(buffer), buffer) == (theirs.readinto(other), other)
    assert ours.readable() and ours.seekable() and ours.name == "ones"


@pytest.mark.parametrize("kind", [OSError, ValueError])
def test_before_the_beginning_is_the_error_of_either_kind_of_file(kind):
    with pytest.raises(kind, match="ones: position -1 is before the beginning"):
        Ones(9, "ones").seek(-1)
