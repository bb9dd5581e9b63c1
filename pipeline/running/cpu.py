"""How the processes of a run share one computer's cores and memory; settings of the system, none of any result."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

SPINS = "1000"
"""Some 10 microseconds, which libgomp itself takes where there are more threads than cores."""

KEPT_BYTES = 2**31 - 1

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
"""Parameters of glibc's mallopt(3)."""

_USUAL = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}
"""What glibc has, or comes to by itself in a process that frees large blocks."""


def prepare_for_networks() -> None:
    """To be called before torch is imported and before any thread starts; the user's own settings stay.

    Threads of a network that have nothing to do leave their core after SPINS looks. By default (libgomp's) they spin
    for milliseconds, on a core that a decode worker or another program needs: on two cores that were not idle ResNet-50
    then took twice the CPU time, frame by frame ten times. And all threads share one pool of memory, the only one of
    glibc's that can grow to any size, so that `freed_memory_kept` holds for a thread that runs networks.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    libc = _glibc()
    if libc and "MALLOC_ARENA_MAX" not in os.environ:
        libc.mallopt(_ARENA_MAX, 1)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """The context in which what a network frees is what it is given next, where the C library is glibc's.

    By default large blocks go back to the system each time, which gives them again filled with zeros: a quarter of the
    CPU time of ResNet-50 or I3D, a tenth of a training step.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, KEPT_BYTES)
    try:
        yield
    finally:
        for parameter, value in _USUAL.items():
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
