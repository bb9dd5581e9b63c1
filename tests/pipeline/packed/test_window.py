"""A piece of a file."""

import io
import os

import pytest

from pipeline.packed.window import Window


def test_it_reads_seeks_and_ends_as_a_file_of_the_same_bytes():
    content = bytes(range(200))
    window, alone = Window(io.BytesIO(content), 50, 100, "file:a.mp4"), io.BytesIO(content[50:150])
    for step in (("read", 7), ("seek", 90), ("read", 30), ("read", 1), ("seek", -5, os.SEEK_END), ("read", -1)):
        assert getattr(window, step[0])(*step[1:]) == getattr(alone, step[0])(*step[1:])
        assert window.tell() == alone.tell()
    window.seek(500)
    assert window.read() == b"" and window.readinto(bytearray(4)) == 0
    with pytest.raises(OSError, match="before the beginning"):
        window.seek(-1)


def test_a_file_of_it_is_closed_with_it():
    file = io.BytesIO(b"abc")
    with Window(file, 1, 1, "file:a") as window:
        assert window.readable() and window.seekable() and window.readall() == b"b"
    assert file.closed
