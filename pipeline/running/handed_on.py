"""Worker processes that have done one stage's jobs, kept for some seconds for the next stage of this process.

The files of a dataset are looked into by workers, and right after that their sound and frames are decoded by workers.
To start one takes 0.2 CPU s, as much as half a minute of sound.
"""

import atexit
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.running.worker_pool import KeptWorkers

IDLE_S = 10.0
"""So long they wait; then they end, as nothing may follow for hours."""


@dataclass
class _Waiting:
    """Workers without jobs."""

    workers: KeptWorkers
    surroundings: object
    timer: threading.Timer = field(init=False)


_lock = threading.Lock()
_waiting: list[_Waiting] = []
"""One at most."""


def hand_on(workers: KeptWorkers) -> None:
    """Keeps the workers for the next `taken`; those that waited already end, and these after IDLE_S."""
    if not workers.have_begun:
        return
    one = _Waiting(workers, _surroundings())
    one.timer = threading.Timer(IDLE_S, _end, [one])
    one.timer.daemon = True
    end()
    with _lock:
        _waiting.append(one)
    one.timer.start()


def taken(number: int) -> KeptWorkers:
    """So many workers: those that were handed on, if they were as many and began as new ones would; else new ones."""
    with _lock:
        one = _waiting.pop() if _waiting else None
    if one is None:
        return KeptWorkers(number)
    one.timer.cancel()
    if one.workers.number == number and one.surroundings == _surroundings():
        return one.workers
    one.workers.stop()
    return KeptWorkers(number)


def end() -> None:
    """Ends the workers that wait."""
    with _lock:
        ended, _waiting[:] = list(_waiting), []
    for one in ended:
        one.timer.cancel()
        one.workers.stop()


atexit.register(end)


def _end(one: _Waiting) -> None:
    """In the timer's thread."""
    with _lock:
        if one not in _waiting:
            return
        _waiting.remove(one)
    one.workers.stop()


def _surroundings() -> object:
    """What a worker takes over from its parent when it starts."""
    return dict(os.environ), Path.cwd(), tuple(sys.path)
