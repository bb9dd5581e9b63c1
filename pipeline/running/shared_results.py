"""Hands the large arrays of a result from a worker process to its parent in memory that both see, on Linux.

A pipe costs both sides several copies: 1 GB of frames takes the parent 2 CPU s, at 0.4 GB a second (AMD EPYC), while a
GPU wants a GB a second of them. The memory is a file without a name, which the parent makes and the worker opens: it
is freed with the last who uses it, also when one of the two is killed. `/dev/shm`, which containers keep small, has no
part in it.
"""

import mmap
import os
import pickle
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

LEAST_BYTES = 1 << 20
"""Of the arrays of a result; what is smaller is cheap to send through the pipe."""
_ALIGN_BYTES = 64


@dataclass(frozen=True)
class _Shared:
    """A result whose arrays lie in the file."""

    pickled: bytes
    """All of it but the contents of the arrays."""
    sizes: tuple[int, ...]
    """In bytes, of the arrays in their order; each begins at a multiple of _ALIGN_BYTES."""


@dataclass(frozen=True)
class Address:
    """Where a worker finds a mailbox."""

    path: str
    identity: tuple[int, int]
    """Of the file, as the system tells files apart: by the time that a late worker comes, another may lie there."""


class Mailbox:
    """A nameless file of this process for the result of one job."""

    def __init__(self) -> None:
        self._file = _new_file()
        self.address = (
            None if self._file is None else Address(f"/proc/{os.getpid()}/fd/{self._file}", _identity(self._file))
        )
        """None where the system has no such files."""
        self.close = (lambda: None) if self._file is None else weakref.finalize(self, os.close, self._file)
        """Closes the file, which also happens when nobody holds the mailbox any more."""

    def taken(self, result: Any) -> Any:
        """The result of a job that was run by `call` with this mailbox's address; its large arrays are read-only.

        Their memory goes when the last of them does.
        """
        if not isinstance(result, _Shared):
            return result
        assert self._file is not None
        content = memoryview(_content(self._file, _end(result.sizes)))
        places = zip(_starts(result.sizes), result.sizes, strict=True)
        arrays = [content[start : start + size] for start, size in places]
        return pickle.loads(result.pickled, buffers=arrays)  # noqa: S301 - from a worker of this process


def call(function: Callable[[Any], Any], job: Any, address: Address | None) -> Any:
    """In a worker: the result of `function(job)`; with its arrays in the mailbox at `address`, if they are large.

    Where the mailbox cannot be opened, or memory is short, all of it goes through the pipe.
    """
    result = function(job)
    if address is None:
        return result
    buffers: list[pickle.PickleBuffer] = []
    try:
        pickled = pickle.dumps(result, protocol=5, buffer_callback=buffers.append)
    except Exception:  # pickling runs any object's own code; the pool then meets the same, and tells it as its failure
        return result
    arrays = [buffer.raw() for buffer in buffers]
    sizes = tuple(array.nbytes for array in arrays)
    if sum(sizes) < LEAST_BYTES:
        return result
    try:
        _write(address, arrays, sizes)
    except OSError:
        return result
    return _Shared(pickled, sizes)


def _new_file() -> int | None:
    if not hasattr(os, "memfd_create"):
        return None
    try:
        return os.memfd_create("result")
    except OSError:  # of a sandbox, or of too many open files
        return None


def _identity(file: int) -> tuple[int, int]:
    told = os.fstat(file)
    return told.st_dev, told.st_ino


def _content(file: int, size: int) -> mmap.mmap | bytearray:
    """What is in a file; read where it cannot be mapped, for which the system has limits of its own."""
    # Populated: all pages are mapped in one go, in place of a fault for each few of them.
    flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
    try:
        return mmap.mmap(file, size, flags=flags, prot=mmap.PROT_READ)
    except OSError:  # too many open files, of which each mapping is one
        content, done = bytearray(size), 0
        while done < size:
            done += os.preadv(file, [memoryview(content)[done:]], done)
        return content


def _write(address: Address, arrays: Sequence[memoryview], sizes: Sequence[int]) -> None:
    file = os.open(address.path, os.O_WRONLY)
    try:
        if _identity(file) != address.identity:
            raise FileNotFoundError(f"{address.path}: another file by now")
        for start, array in zip(_starts(sizes), arrays, strict=True):
            done = 0
            while done < array.nbytes:
                done += os.pwrite(file, array[done:], start + done)
        os.truncate(file, _end(sizes))  # the last may be empty
    finally:
        os.close(file)


def _starts(sizes: Sequence[int]) -> list[int]:
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + -(-size // _ALIGN_BYTES) * _ALIGN_BYTES)
    return starts[:-1]


def _end(sizes: Sequence[int]) -> int:
    return _starts([*sizes, 0])[-1]
