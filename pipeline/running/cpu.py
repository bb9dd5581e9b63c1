"""Settings of the OpenMP and C runtimes for sharing one machine's cores and memory; none changes a result."""

import ctypes
import gc
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPIN_COUNT = "1000"
"""About 10 microseconds: the value that libgomp itself takes when there are more threads than cores."""

TRIM_THRESHOLD_BYTES = 2**31 - 1
"""Free memory at the top of the heap that is kept; the largest value that mallopt takes."""

_NUM_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What a torch that is not imported yet reads, both of them."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
"""Parameter numbers of glibc's mallopt(3)."""

_DEFAULTS = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}
"""glibc's defaults; for the thresholds, the values they reach by themselves in a process that frees large blocks."""


def prepare_for_networks() -> None:
    """Sets OpenMP's spin count and malloc's arena count; call it before torch is imported and any thread starts.

    Environment variables that the user has set are kept. Idle OpenMP threads give up their core after SPIN_COUNT
    iterations. By default (libgomp's) they spin for milliseconds, on a core that a decode worker or another program
    needs: on two busy cores ResNet-50 then took twice the CPU time, and ten times when run frame by frame. All threads
    share one malloc arena, the main one, which alone can grow to any size; `freed_memory_kept` then also holds for a
    thread that runs networks.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    libc = _glibc()
    if libc and "MALLOC_ARENA_MAX" not in os.environ:
        libc.mallopt(_ARENA_MAX, 1)


def one_thread() -> None:
    """Limits this process to one thread for products of matrices, also in torch, which may be imported later.

    For queries, which are small: OpenBLAS then spends 50 times the CPU seconds on its second thread, which spins while
    it waits; and in a server they run side by side.
    """
    from threadpoolctl import threadpool_limits

    for name in _NUM_THREADS:
        os.environ[name] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threadpool_limits(1)


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Context in which `one_thread` holds; what comes after it in the process has the threads of before again.

    Only a torch that was imported inside keeps to one.
    """
    from threadpoolctl import threadpool_limits

    variables = {name: os.environ.get(name) for name in _NUM_THREADS}
    num_torch = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else 0
    with threadpool_limits(None):  # puts the limits of before back
        try:
            one_thread()
            yield
        finally:
            for name, value in variables.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            if num_torch:
                sys.modules["torch"].set_num_threads(num_torch)


@contextmanager
def without_collection() -> Iterator[None]:
    """Context in which no garbage is looked for: where many objects are made and none becomes garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Context in which malloc keeps freed memory and reuses it; without effect where the C library is not glibc.

    By default large blocks are returned to the system on each free, and the system zeroes them before it hands them out
    again: a quarter of the CPU time of ResNet-50 or I3D, a tenth of a training step.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
    try:
        yield
    finally:
        for parameter, value in _DEFAULTS.items():
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)


def give_back_freed_memory() -> None:
    """Returns freed memory to the system once: after what took more of it than what follows, as loading does."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
