"""The jobs that test_worker_pool.py runs in worker processes; imports little, because every worker imports it."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DecodeError

FOREVER_S = 60.0


def run_job(job):
    """The result of a job (name in JOBS, argument), in a worker process."""
    name, argument = job
    return JOBS[name](argument)


@dataclass(frozen=True)
class PidJob:
    """A job whose result is the process that did it."""

    number: int
    in_order: bool


def pid_of(job):
    time.sleep(0.02)
    return os.getpid()


def hang(seconds):
    """Sleeps, and ignores SIGTERM."""
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


def write_pid_and_sleep(path):
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(FOREVER_S)


def array(number):
    """So many bytes more than go through the pipe, each of that value; other jobs do without the import of NumPy."""
    import numpy as np

    return np.full(2**20 + number, number, np.uint8)


def open_media(path):
    import av

    return av.open(path)


JOBS = {
    "return": lambda value: value,
    "sleep": lambda seconds: time.sleep(seconds) or seconds,
    "hang": hang,
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
    "write and sleep": write_pid_and_sleep,
    "array": array,
    "pid": lambda _: os.getpid(),
}


class ExitOnUnpickling:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (1,)
