"""What the jobs of test_worker_pool.py run; imports little, because every worker process imports it."""

import os
import signal
import time
from pathlib import Path

from pipeline.errors import DecodeError

NEVER = 60.0


def do(job):
    """Runs in a worker: (what, argument)."""
    what, argument = job
    return DEEDS[what](argument)


def hang_quietly(seconds):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(seconds)


def spin(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def fail(message):
    raise DecodeError(message)


def fault(message):
    raise ValueError(message)


def write_and_sleep(path):
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(NEVER)


def open_media(path):
    import av

    return av.open(path)


DEEDS = {
    "return": lambda value: value,
    "sleep": lambda seconds: time.sleep(seconds) or seconds,
    "hang": hang_quietly,
    "spin": spin,
    "exit": os._exit,
    "kill": lambda number: os.kill(os.getpid(), number),
    "fail": fail,
    "fault": fault,
    "bytes": lambda megabytes: bytes(megabytes * 2**20),
    "not a media file": open_media,
    "cannot be sent": lambda value: lambda: value,
    "environment": os.environ.get,
    "ignores ctrl-c": lambda _: signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    "write and sleep": write_and_sleep,
    "pid": lambda _: os.getpid(),
}


class BadStart:
    """Ends the process that takes it out of its pickle."""

    def __reduce__(self):
        return os._exit, (1,)
