"""Processes that never hear Ctrl-C, not even while they import: it is the parent's to handle, which ends them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess


class DeafProcess(SpawnProcess):
    """Started with the signal blocked, which lasts beyond the start of another program and for its own processes."""

    def start(self) -> None:
        """As any process."""
        # Multiprocessing's tracker of resources is started with the first process, and would unblock the signal.
        resource_tracker.ensure_running()
        with _blocked():
            super().start()


class DeafContext(SpawnContext):
    """Starts such processes, by spawn: the parent may have threads and CUDA, neither of which survives a fork."""

    Process = DeafProcess


@contextmanager
def _blocked() -> Iterator[None]:
    """In this thread alone, which need not be the main one, as a handler of the signal would have to be."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
