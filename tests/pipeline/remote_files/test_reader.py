"""A remote file that is read in blocks."""

import io
import random

import pytest

from pipeline.errors import RemoteError
from pipeline.remote_files import reader
from pipeline.remote_files.file_cache import FileCache
from pipeline.remote_files.reader import BlockReader, faults
from pipeline.remote_files.transfer import fetch, look

CONTENT = random.Random(0).randbytes(10_000)


@pytest.fixture
def opened(web_server, tmp_path, monkeypatch):
    """Opens the file a.mp4 of the web_server, in blocks of 1,000 bytes."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1000)
    (web_server.folder / "a.mp4").write_bytes(CONTENT)
    facts, cache = look(f"{web_server.address}/a.mp4"), FileCache(tmp_path / "bytes", 10**6)
    web_server.requests.clear()

    def whole():
        return cache.path("whole", lambda path: fetch(facts, path, 10**6))

    return lambda: BlockReader(tmp_path / "a.mp4", facts, "a", cache, whole)


def test_it_reads_and_seeks_as_a_file_does(opened):
    numbers, here = random.Random(1), io.BytesIO(CONTENT)
    with opened() as there:
        for _ in range(300):
            place, size = numbers.randrange(11_000), numbers.choice([0, 1, 10, 999, 2500, 20_000])
            there.seek(place)
            here.seek(place)
            assert there.read(size) == here.read(size)
            assert there.tell() == here.tell()
        assert there.seek(-7, io.SEEK_END) == here.seek(-7, io.SEEK_END)
        assert there.seek(3, io.SEEK_CUR) == here.seek(3, io.SEEK_CUR)
        assert there.read() == here.read() == CONTENT[-4:]


def test_each_block_comes_once_whoever_reads_it(opened, web_server):
    for _ in range(2):
        with opened() as there:
            assert there.read() == CONTENT
    with opened() as there:
        there.seek(-1, io.SEEK_END)
        assert there.read(10) == CONTENT[-1:]
    assert web_server.sent() == len(CONTENT)
    assert len(web_server.requests) == 10


def test_a_read_in_the_middle_costs_one_block(opened, web_server):
    with opened() as there:
        there.seek(5500)
        assert there.read(100) == CONTENT[5500:5600]
    assert web_server.sent() == 1000


def test_where_the_server_sends_no_parts_all_of_it_is_fetched_once(opened, web_server):
    web_server.faults["a.mp4"] = {"no ranges"}
    with opened() as there:
        assert there.read() == CONTENT
    whole = [size for *_, size in web_server.requests]
    assert len(whole) <= 3  # the first block, the second one, and the whole file


def test_a_fault_is_met_again_at_each_later_read_and_remembered_for_who_asks(opened, web_server):
    faults.clear()
    with opened() as there:
        there.read(500)
        web_server.faults["a.mp4"] = {"404"}
        for _ in range(2):
            with pytest.raises(RemoteError, match="404"):
                there.seek(5000)
                there.read(1)
    assert len(web_server.requests) == 2
    assert len(faults) == 1
    faults.clear()


def test_a_position_before_the_beginning_is_an_error(opened):
    with opened() as there, pytest.raises(OSError, match="before the beginning"):
        there.seek(-1)
