"""A bounded cache that many processes use at once."""

import errno
import multiprocessing
import os
import time

import pytest

from pipeline.errors import OutageError
from pipeline.remote_files import file_cache
from pipeline.remote_files.file_cache import FileCache


def writes(content, log=None):
    def make(path):
        if log is not None:
            log.append(path)
        path.write_bytes(content)

    return make


def num_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_an_entry_is_made_once_and_again_when_it_is_gone_or_cut(tmp_path):
    cache, made = FileCache(tmp_path, 10**6), []
    for _ in range(3):
        assert cache.path("ab.mp4", writes(b"12345", made), 5).read_bytes() == b"12345"
    assert len(made) == 1
    cache.path("ab.mp4", writes(b"")).write_bytes(b"1")  # as after a power loss
    assert cache.path("ab.mp4", writes(b"12345", made), 5).read_bytes() == b"12345"
    cache.path("ab.mp4", writes(b"")).unlink()
    with cache.open("ab.mp4", writes(b"12345", made), 5) as file:
        assert file.read() == b"12345"
    assert len(made) == 3


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    cache = FileCache(tmp_path, 1000)
    paths = [cache.path(f"{number:02}", writes(b"x" * 100)) for number in range(5)]
    for age, path in enumerate(paths):
        os.utime(path, (time.time() - 1000 + age, time.time() - 1000 + age))
    cache.path("00", writes(b""))  # used again
    cache.make_room(200)
    assert [path.exists() for path in paths] == [True, False, False, False, True]


def test_the_cache_stays_below_its_limit_and_what_is_open_can_be_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(file_cache, "IN_HAND_S", 0.0)
    cache = FileCache(tmp_path, 10_000)
    with cache.open("first", writes(b"y" * 1000)) as first:
        for number in range(100):
            cache.path(f"{number:02}", writes(b"x" * 1000))
            assert num_bytes(tmp_path) <= 10_000
        assert not (tmp_path / "fi" / "first").exists()
        assert first.read() == b"y" * 1000


def test_a_failure_leaves_nothing_and_abandoned_files_are_removed(tmp_path):
    cache = FileCache(tmp_path, 1000)

    def fail(path):
        path.write_bytes(b"half")
        raise OSError(errno.EIO, "broken")

    with pytest.raises(OSError, match="broken"):
        cache.path("ab", fail)
    assert num_bytes(tmp_path) == 0
    left = tmp_path / "ab" / ".tmp-1-abc"
    left.write_bytes(b"of a kill")
    cache.make_room(1000)
    assert left.exists()  # it may still be written
    os.utime(left, (0, 0))
    cache.make_room(1000)
    assert not left.exists()


def test_a_full_disk_empties_the_cache_and_is_no_fault_of_the_file(tmp_path):
    cache, tries = FileCache(tmp_path, 1000), []
    old = cache.path("old", writes(b"x" * 100))
    os.utime(old, (0, 0))

    def full(path):
        tries.append(old.exists())
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutageError, match=r"No space left.*cache_gb"):
        cache.path("new", full)
    assert tries == [True, False]


def _ask(folder, start, results):
    start.wait()
    made = []

    def make(path):
        made.append(1)
        time.sleep(0.05)
        path.write_bytes(b"z" * 100)

    for number in range(5):
        FileCache(folder, 10**6).path(f"{number}0", make, 100)
    results.put(len(made))


def test_processes_that_want_the_same_make_it_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    processes = [context.Process(target=_ask, args=(tmp_path, start, results)) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    assert sum(results.get(timeout=60) for _ in processes) == 5
    for process in processes:
        process.join()
