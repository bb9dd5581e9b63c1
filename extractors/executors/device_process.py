"""A process with a device of its own: it requests chunks, and extracts them in one continuous pass."""

import dataclasses
import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from extractors.extraction.job import ChunkJob, todo_of
from extractors.extraction.one_pass import run_pass
from extractors.extraction.watch import Throttled, Watch
from extractors.extraction.work import PassOptions, Wanted, without_networks
from pipeline.errors import ExtractionError
from pipeline.running.processes import UnsignalledContext

REQUEST = "request"
"""A process requests a chunk. Its other messages are (seconds of video done, stage) and, at last, expert -> error."""

STOP = "stop"
"""The parent's only message that is not the answer to a request; that something has arrived is enough to stop."""

TELL_INTERVAL_S = 0.5

STOP_TIMEOUT_S = 8.0
"""Time for a process to put its work away and to end its decode workers, before it is killed."""


class DeviceProcess:
    """A process with a device of its own, which requests chunks until there are none."""

    def __init__(self, device: str, wanted: Sequence[Wanted], options: PassOptions) -> None:
        self.device = device
        context = UnsignalledContext()
        self.connection, child_end = context.Pipe()  # not a queue, which a killed process may leave locked
        # A job says which videos lack what; the keys of all of them would be megabytes.
        own = [dataclasses.replace(without_networks(item), keys=frozenset()) for item in wanted]
        arguments = child_end, own, dataclasses.replace(options, device=device)
        self._process: BaseProcess = context.Process(target=_main, args=arguments, name=device)
        self.has_ended = False
        self.numbers: list[int] = []
        """Of the jobs that it has got."""
        self._process.start()
        child_end.close()

    def receive(self) -> Any:
        """The next message of the process; where it was killed, an error in place of its last one."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return {self.device: self._crash_error()}

    def send(self, message: Any) -> None:
        """Sends a message; one to a process that was killed is lost, and `receive` reports that."""
        with suppress(OSError):
            self.connection.send(message)

    def give(self, job: ChunkJob | None) -> None:
        """Answers its request: with a job, or that there is none left."""
        if job is not None:
            self.numbers.append(job.number)
        self.send(job)

    def _crash_error(self) -> ExtractionError:
        """Why the process ended without its last message."""
        self._process.join(STOP_TIMEOUT_S)
        code = self._process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = " (the system does so when memory is short: fewer workers or devices need less)" if code == -9 else ""
        return ExtractionError(
            f"the process on {self.device} {how}{hint}; what was published is kept: the same command goes on from it"
        )

    def end(self, until_s: float) -> None:
        """Waits until `until_s` for the process, which stops when its connection is closed; then kills it.

        Its decode workers end with it. One that has sent its last message only has to exit.
        """
        self._process.join(STOP_TIMEOUT_S if self.has_ended else max(0.0, until_s - time.monotonic()))
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _main(parent: Connection, wanted: Sequence[Wanted], options: PassOptions) -> None:
    """The main function of a process: a pass over the chunks that it receives."""
    progress = Throttled(_teller(parent), TELL_INTERVAL_S)
    try:
        own_options = dataclasses.replace(options, device=see_only(options.device))
        errors = run_pass(wanted, todo_of(_received(parent), wanted), own_options, Watch(progress, parent.poll))
        progress.flush()
    except Exception as error:
        errors = {options.device: error}
    with suppress(OSError):  # the parent has ended, and nobody receives this
        parent.send({name: picklable(error) for name, error in errors.items()})


def _teller(parent: Connection) -> Callable[[float, str], None]:
    """The progress of a pass as messages with what has been done since the last one."""
    told_s = 0.0

    def tell(done_s: float, stage: str) -> None:
        nonlocal told_s
        with suppress(OSError):
            parent.send((done_s - told_s, stage))
        told_s = done_s

    return tell


def see_only(device: str) -> str:
    """Hide all other GPUs from this process, and return the name that `device` has then; before CUDA is initialised.

    So no library or thread that uses the default GPU can use another one.
    """
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return device
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[int(number)] if visible else number
    return "cuda:0"


def _received(parent: Connection) -> Iterator[ChunkJob]:
    """Job by job; requests the next one after the last video of one."""
    while True:
        try:
            parent.send(REQUEST)
            job = parent.recv()
        except (EOFError, OSError):  # the parent was killed
            return
        if job is None or job == STOP:
            return
        yield job


def picklable(error: Exception) -> Exception:
    """The error with its traceback as a note, as pickling drops it; a RuntimeError if it cannot be pickled."""
    error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled by this process
    except Exception:
        return RuntimeError("\n".join(error.__notes__))
    return error
