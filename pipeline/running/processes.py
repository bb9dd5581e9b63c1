"""Child processes that ignore SIGINT (Ctrl-C), also while they start: the parent handles it and ends them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess


class SigintBlockedProcess(SpawnProcess):
    """A spawned process that starts with SIGINT blocked; exec and the process's own children inherit the block."""

    def start(self) -> None:
        """Starts the process, see multiprocessing.Process.start."""
        # multiprocessing starts its resource tracker with the first process, and unblocks the signal after that.
        resource_tracker.ensure_running()
        with _sigint_blocked():
            super().start()


class SigintBlockedContext(SpawnContext):
    """A multiprocessing context of such processes; spawn, because threads and CUDA do not survive a fork."""

    Process = SigintBlockedProcess


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Context with SIGINT blocked in the current thread; a signal handler could only be set in the main thread."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
