"""Stop signals: the first one ends a run in order, a second one at once.

SIGINT comes from Ctrl-C; SIGTERM from `timeout`, `docker stop`, SLURM and `kill`. Both mean the same. The first raises
KeyboardInterrupt, or, inside `deferred`, waits until the work there has been put away. The exit code is that of the
shell's convention: 130 after SIGINT, 143 after SIGTERM.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import NoReturn

MESSAGE = "Stopped; the same command goes on from what is done"

SIGNALS = (signal.SIGINT, signal.SIGTERM)

REPEAT_S = 1.0
"""A signal this soon after the first one is the same one: `timeout` sends it to the process and then to its group."""

AGAIN_S = 0.02
"""Time until an interruption is raised again that was lost; by then the finalizer that lost it has ended."""

PATIENCE_S = 10.0
"""Time from the interruption to the end of the process, which is then ended whatever it does."""


class _State:
    """What this process has received."""

    number = 0
    """The first stop signal; 0 for none."""
    at_s = 0.0
    is_deferred = False
    is_lost = False
    """Whether the exception was raised where Python drops exceptions, and is to be raised again."""


def install() -> None:
    """Handles the stop signals of this process from now on; without effect outside the main thread.

    A signal that is ignored stays so: `nohup` and shells in the background ask for it.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _receive)
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            leave()
        previous(kind, error, trace)

    sys.excepthook = hook
    previous_unraisable = sys.unraisablehook

    def unraisable_hook(lost: "sys.UnraisableHookArgs") -> None:
        # A handler runs wherever the main thread is, also in a __del__ or a callback, whose exceptions go no further:
        # the run would go on as if no signal had come.
        if isinstance(lost.exc_value, KeyboardInterrupt) and requested():
            with suppress(RuntimeError):  # the interpreter is being taken down: the process ends anyway
                threading.Timer(AGAIN_S, _send_again).start()
        else:
            previous_unraisable(lost)

    sys.unraisablehook = unraisable_hook


def requested() -> bool:
    """Whether a stop signal has come."""
    return _State.number != 0


@contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Context in which the first stop signal raises nothing; yields the question whether it has come.

    The end of the context raises KeyboardInterrupt if it has, also in place of an error.
    """
    _State.is_deferred = True
    try:
        yield requested
    finally:
        _State.is_deferred = False
        if requested():
            _interrupt()


def leave() -> NoReturn:
    """Prints the message and ends the process, with the exit code of the signal.

    The functions of atexit run, but the interpreter is not taken down: a thread may be in the middle of a batch, which
    cannot be interrupted, and would crash when the libraries under it are unloaded.
    """
    with suppress(OSError):
        sys.stderr.write(MESSAGE + "\n")
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(_exit_code())


def end_at_once() -> NoReturn:
    """Kills the child processes and ends this one."""
    if "multiprocessing" in sys.modules:
        import multiprocessing

        for child in multiprocessing.active_children():
            child.kill()
        # In a thread: what the interrupted code holds, e.g. the lock of a stream, is never released.
        cleanup = threading.Thread(target=_release_semaphores, daemon=True)
        cleanup.start()
        cleanup.join(1.0)
    os._exit(_exit_code())


def _receive(number: int, frame: FrameType | None) -> None:
    if not requested():
        _State.number, _State.at_s = number, time.monotonic()
        if not _State.is_deferred:
            _interrupt()
    elif _State.is_lost:
        _State.is_lost = False
        if not _State.is_deferred:
            raise KeyboardInterrupt
    elif time.monotonic() - _State.at_s > REPEAT_S:
        end_at_once()


def _interrupt() -> NoReturn:
    # Code of others may swallow the exception, or hang while it is on its way.
    watchdog = threading.Timer(PATIENCE_S, end_at_once)
    watchdog.daemon = True
    watchdog.start()
    raise KeyboardInterrupt


def _send_again() -> None:
    """Sends the first signal again, to the main thread: it may sleep in a call that only a signal ends."""
    _State.is_lost = True
    signal.pthread_kill(threading.main_thread().ident or 0, _State.number)


def _exit_code() -> int:
    return 128 + (_State.number or signal.SIGINT)


def _release_semaphores() -> None:
    """Deletes the named semaphores of this process; multiprocessing would report them as leaked."""
    from multiprocessing import util

    util._run_finalizers(0)  # type: ignore[attr-defined]
