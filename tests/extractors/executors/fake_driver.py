"""What processes run in place of the driver of a Ray cluster, in a module that other processes can import."""

import os
import signal
import time

from extractors.executors.base import Outcome
from extractors.executors.device_process import REQUEST, STOP
from extractors.executors.ray_driver import Note, State
from pipeline.errors import ConfigError


def faithful(parent, engine, folder):
    """Does all jobs."""
    parent.send(Note("hello"))
    while True:
        parent.send(REQUEST)
        job = parent.recv()
        if job is None:
            break
        parent.send(State(job.number, 2))
        parent.send(Outcome(job.number, {}, job.video_s, "elsewhere"))
    parent.send(None)


def refusing(parent, engine, folder):
    """Says that nothing can go on."""
    parent.send(ConfigError("host-2 has another config"))


def killed(parent, engine, folder):
    """Is killed after it has got a job."""
    parent.send(REQUEST)
    parent.recv()
    os.kill(os.getpid(), signal.SIGKILL)


def silent(parent, engine, folder):
    """Never gets a connection to its cluster."""
    time.sleep(600)


def stopped(parent, engine, folder):
    """Has one job in hand, of which it is told to stop."""
    parent.send(REQUEST)
    job = parent.recv()
    assert parent.recv() == STOP
    parent.send(Outcome(job.number, {}, job.video_s))
    parent.send(None)


def deaf(parent, engine, folder):
    """Has one job in hand, and does not stop."""
    parent.send(REQUEST)
    parent.recv()
    time.sleep(600)
