import errno
import os

import obstore
import pytest

from pipeline.errors import RemoteError
from pipeline.remote.fetching import Download, RangeReader


def test_a_full_disk_is_the_error_of_the_disk(stored):
    stored.put("big", bytes(1 << 20))

    class Full:
        def write(self, piece):
            raise OSError(errno.ENOSPC, "No space left on device")

        def tell(self):
            return 0

        seek = truncate = lambda self, *args: None

    with pytest.raises(OSError, match="No space left") as raised:
        stored._ask("big", Download("big", Full()).go_on)
    assert raised.value.errno == errno.ENOSPC


def test_an_open_object_is_sought_and_read_like_a_file(stored, tmp_path):
    content = os.urandom(100_000)
    stored.put("video", content)
    local = tmp_path / "video"
    local.write_bytes(content)
    with stored.open("video", buffer_bytes=4096) as remote, local.open("rb") as file:
        for offset, whence, size in ((0, 0, 10), (-5, 2, 100), (50_000, 0, 5000), (-100, 1, 7), (200_000, 0, 3)):
            assert remote.seek(offset, whence) == file.seek(offset, whence)
            assert remote.read(size) == file.read(size)
            assert remote.tell() == file.tell()
        remote.seek(0)
        assert remote.read() == content
    with pytest.raises(FileNotFoundError):
        stored.open("nowhere")


def test_an_object_that_is_replaced_under_a_reader_is_an_error_and_never_a_mixture(stored):
    stored.put("video", bytes(100_000))
    with stored.open("video", buffer_bytes=4096) as file:
        file.read(10)
        stored.put("video", b"\1" * 100_000)
        with pytest.raises(RemoteError, match="replaced"):
            file.read(50_000)


class Breaking:
    """A storage whose answers break off after a megabyte, as often as it is said."""

    def __init__(self, breaks):
        self.breaks, self.asked, self.get = breaks, [], obstore.get

    def __call__(self, store, key, options=None):
        self.asked.append(options or {})
        got = self.get(store, key, options=options)
        if len(self.asked) <= self.breaks:
            return Broken(got)
        return got


class Broken:
    def __init__(self, got):
        self.meta, self._got = got.meta, got

    def stream(self, min_chunk_size):
        yield bytes(self._got.bytes())[: 1 << 20]
        raise obstore.exceptions.GenericError("Generic S3 error: error decoding response body")


def test_a_broken_download_goes_on_where_it_stopped(stored, tmp_path, monkeypatch):
    content = os.urandom(5 << 20)
    stored.put("big", content)
    breaking = Breaking(3)
    monkeypatch.setattr(obstore, "get", breaking)
    stored.fetch("big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == content
    assert [options.get("range", {}).get("offset", 0) for options in breaking.asked] == [0, 1 << 20, 2 << 20, 3 << 20]


def test_a_download_whose_object_was_replaced_begins_anew(stored, tmp_path, monkeypatch):
    old, new = os.urandom(3 << 20), os.urandom(2 << 20)
    stored.put("big", old)
    breaking = Breaking(1)

    def replaced(store, key, options=None):
        if options:
            stored.put("big", new)
        return breaking(store, key, options)

    monkeypatch.setattr(obstore, "get", replaced)
    stored.fetch("big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == new


def test_a_position_before_the_beginning_is_refused_as_of_a_file(stored, tmp_path):
    stored.put("video", b"123")
    (tmp_path / "video").write_bytes(b"123")
    reader = stored.open("video").raw
    assert isinstance(reader, RangeReader)
    with pytest.raises(ValueError, match="before the beginning"):
        reader.seek(-4, os.SEEK_END)
    assert reader.seekable()
    assert reader.readable()
