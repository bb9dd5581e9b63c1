import gc
import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.running import shared_results
from pipeline.running.shared_results import LEAST_BYTES, Address, Mailbox, _Shared, call
from pipeline.running.worker_pool import run_jobs
from tests.pipeline.running.worker_jobs import FOREVER_S, run_job

linux = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files without a name")

ARRAYS = {
    "frames": np.random.default_rng(0).integers(0, 256, (3, 300, 500, 3), np.uint8),
    "nothing": np.zeros((0, 4), np.float32),
    "times": np.linspace(0, 1, 7),
    "words": np.array(["a", "longer"]),
    "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "parts": np.array([(1, 2.5)], dtype=[("one", "u1"), ("two", "<f8")]),
    "said": "what is no array",
}


def made(_):
    return ARRAYS


def small(_):
    return np.zeros(LEAST_BYTES - 1, np.uint8)


def assert_same(found):
    assert found.keys() == ARRAYS.keys()
    for name, expected in ARRAYS.items():
        if isinstance(expected, np.ndarray):
            assert found[name].dtype == expected.dtype
            np.testing.assert_array_equal(found[name], expected)
    assert found["said"] == ARRAYS["said"]


def open_files():
    gc.collect()  # what tests before this one have let go
    return len(list(Path("/proc/self/fd").iterdir()))


@linux
def test_a_large_result_arrives_as_it_was_and_not_through_the_pipe():
    box = Mailbox()
    sent = call(made, None, box.address)
    assert isinstance(sent, _Shared)
    assert len(sent.pickled) < 2000
    found = box.taken(sent)
    box.close()
    assert_same(found)
    assert not found["frames"].flags.writeable


@linux
def test_its_memory_is_there_until_the_last_array_goes():
    before, box = open_files(), Mailbox()
    found = box.taken(call(made, None, box.address))
    box.close()
    assert open_files() == before + 1, "the mapping has a descriptor of its own"
    frames = found["frames"]
    del found
    gc.collect()
    np.testing.assert_array_equal(frames, ARRAYS["frames"])
    del frames
    gc.collect()
    assert open_files() == before


@linux
def test_a_mailbox_that_nobody_holds_is_closed():
    before = open_files()
    box = Mailbox()
    assert open_files() == before + 1
    del box
    gc.collect()
    assert open_files() == before


def test_a_small_result_goes_through_the_pipe():
    assert isinstance(call(small, None, Mailbox().address), np.ndarray)


@pytest.mark.parametrize("path", ["", "/proc/self/fd/999999", str(Path(__file__).parent)])
def test_without_a_mailbox_all_of_it_goes_through_the_pipe(path):
    assert call(made, None, Address(path, (0, 0)) if path else None) is ARRAYS


@linux
def test_a_worker_that_comes_late_writes_into_no_other_file(tmp_path):
    """Which has the number of the mailbox by now."""
    other = tmp_path / "other"
    other.write_text("kept")
    box = Mailbox()
    number = int(box.address.path.rpartition("/")[2])
    box.close()
    files = [other.open("r+b")]
    while files[-1].fileno() < number:
        files.append(other.open("r+b"))
    assert files[-1].fileno() == number
    assert call(made, None, box.address) is ARRAYS
    for file in files:
        file.close()
    assert other.read_text() == "kept"


@linux
def test_what_cannot_be_mapped_is_read(monkeypatch):
    def refuse(*_, **__):
        raise OSError(24, "Too many open files")

    box = Mailbox()
    sent = call(made, None, box.address)
    monkeypatch.setattr(shared_results.mmap, "mmap", refuse)
    assert_same(box.taken(sent))


def test_where_memory_is_short_all_of_it_goes_through_the_pipe(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shared_results.os, "pwrite", full)
    assert call(made, None, Mailbox().address) is ARRAYS


def test_what_cannot_be_pickled_is_left_to_the_pool():
    assert callable(call(lambda _: lambda: None, None, Mailbox().address))


@pytest.mark.parametrize("has_files", [True, False])
def test_workers_hand_over_large_arrays_in_order(has_files, monkeypatch):
    if not has_files:  # as on macOS
        monkeypatch.delattr(shared_results.os, "memfd_create", raising=False)
    before = open_files() if Path("/proc/self/fd").exists() else 0
    for number, done in enumerate(run_jobs(run_job, [("array", n) for n in range(5)], 2, FOREVER_S)):
        assert done.result.shape == (LEAST_BYTES + number,)
        assert (done.result == number).all()
        assert done.result.flags.writeable != (has_files and hasattr(os, "memfd_create")), "through the pipe it is"
    del done
    gc.collect()
    if before:
        assert open_files() <= before + 2
