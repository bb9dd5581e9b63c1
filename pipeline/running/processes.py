"""Child processes that no stop signal reaches, also while they start: the parent handles it and ends them.

A signal to a process group (Ctrl-C, `timeout`, SLURM) arrives in all of its processes. A child that ended by itself
would look like a crash to its parent, which may still need it to put its work away.
"""

import ctypes
import os
import pickle
import platform
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import popen_spawn_posix, reduction, resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from typing import Any

from pipeline.running.stopping import SIGNALS

_PR_SET_PDEATHSIG = 1
"""Of Linux's prctl(2)."""

_MAIN = threading.Lock()
"""Held while the main module is changed: pools replace their workers from threads of their own."""


class _Popen(popen_spawn_posix.Popen):
    """Terminates by SIGKILL, as SIGTERM is blocked; multiprocessing terminates and awaits its children at its exit."""

    def terminate(self) -> None:
        self.kill()


class UnsignalledProcess(SpawnProcess):
    """A spawned process that starts with the stop signals blocked; exec and its own children inherit the block."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> _Popen:  # noqa: N802 - multiprocessing's name
        return _Popen(process_obj)

    def __reduce__(self) -> tuple[Any, ...]:
        """What the child is sent; as by default, but for what `_arrived` does."""
        return _arrived, (type(self), bytes(reduction.ForkingPickler.dumps(self.__dict__)))

    def start(self) -> None:
        """Starts the process, see multiprocessing.Process.start."""
        # multiprocessing starts its resource tracker with the first process, and unblocks the signals after that.
        resource_tracker.ensure_running()
        with _signals_blocked(), _main_not_imported():
            super().start()


def _arrived(kind: type[UnsignalledProcess], content: bytes) -> UnsignalledProcess:
    """The process, in the child. It ends without a word where the parent has taken back meanwhile what it was sent.

    A pool of pebble that is stopped removes its locks before it ends its workers: one that is just starting would print
    a traceback beside the output of a run that went well.
    """
    try:
        state = pickle.loads(content)  # noqa: S301 - from the parent
    except FileNotFoundError:
        os._exit(1)
    process = kind.__new__(kind)
    vars(process).update(state)
    return process


class UnsignalledContext(SpawnContext):
    """A multiprocessing context of such processes; spawn, because threads and CUDA do not survive a fork."""

    Process = UnsignalledProcess


def end_with_parent() -> None:
    """Lets the system kill this process when the thread that started it ends, by whatever cause; Linux only."""
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


@contextmanager
def _main_not_imported() -> Iterator[None]:
    """Context in which a spawned process does not import the main module where that defines nothing: it is a command.

    Else each worker would import all of Luigi, or all tasks, for nothing: half of what its start costs. One thread at a
    time: a second one would restore what the first one has hidden.
    """
    with _MAIN:
        main = vars(sys.modules["__main__"])
        is_needed = any(getattr(value, "__module__", None) == "__main__" for value in list(main.values()))
        hidden: dict[str, Any] = (
            {} if is_needed else {name: main.pop(name) for name in ("__file__", "__spec__") if name in main}
        )
        if hidden:
            main["__spec__"] = None
        try:
            yield
        finally:
            main.update(hidden)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Context with the stop signals blocked in the current thread; handlers could only be set in the main thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
