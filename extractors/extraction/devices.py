"""Runs the pass on several devices: one process per device, which requests the videos in chunks of about one part.

The features of a video depend on no other video. So on equal devices they are bit for bit those of one device,
whichever process computed them.
"""

import dataclasses
import os
import pickle
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from extractors.extraction import one_pass
from extractors.extraction.one_pass import ExtractProgress, missing_videos, run_pass, seconds_of
from extractors.extraction.watch import POLL_INTERVAL_S, Throttled, Watch
from extractors.extraction.work import PassOptions, Todo, Wanted
from pipeline.datasets.manifest import Video
from pipeline.errors import ExtractionError
from pipeline.running.processes import UnsignalledContext

Chunk = list[tuple[Path, Video, tuple[str, ...]]]
"""Videos for one process, with the names of the experts that lack them."""

REQUEST = "request"
"""A process requests a chunk. Its other messages are (seconds of video done, stage) and, at last, expert -> error."""

STOP = "stop"
"""The parent's only message that is not the answer to a request; that something has arrived is enough to stop."""

TELL_INTERVAL_S = 0.5

STOP_TIMEOUT_S = 8.0
"""Time for a process to put its work away and to end its decode workers, before it is killed."""


def extract(
    devices: Sequence[str],
    wanted: Sequence[Wanted],
    videos: Sequence[tuple[Path, Video]],
    options: PassOptions,
    progress: ExtractProgress = lambda done_s, total_s, stage: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Exception]:
    """As `one_pass.extract`, on all of `devices`, with `options.workers` decode workers each.

    A process that was killed is reported as an error under the name of its device; the others finish the remaining
    chunks.
    """
    todo = missing_videos(wanted, videos)
    chunks = chunks_of(todo, options.videos_per_part)
    if min(len(devices), len(chunks)) < 2:
        return one_pass.extract(wanted, videos, dataclasses.replace(options, device=devices[0]), progress, stop)
    processes: list[_DeviceProcess] = []
    try:
        processes += (_DeviceProcess(device, wanted, options) for device in devices[: len(chunks)])
        total_s = seconds_of(todo)
        return _serve(processes, chunks, lambda done_s, stage: progress(done_s, total_s, stage), stop)
    finally:
        # Those that were asked to stop have had their time.
        until_s = time.monotonic() + (0 if stop() else STOP_TIMEOUT_S)
        for process in processes:
            process.connection.close()
        for process in processes:
            process.end(until_s)


def chunks_of(todo: Sequence[Todo], size: int) -> list[Chunk]:
    """The videos in chunks of `size`, in manifest order."""
    named = [(path, video, tuple(expert.name for expert in experts)) for path, video, experts in todo]
    return [named[first : first + size] for first in range(0, len(named), size)]


def without_networks(wanted: Wanted) -> Wanted:
    """The same with an extractor whose networks are not loaded, to be sent to a process, which loads its own."""
    extractor = wanted.expert.extractor
    unloaded = type(extractor)(extractor.params, extractor.source)
    unloaded.label_settings = extractor.label_settings
    return dataclasses.replace(wanted, expert=dataclasses.replace(wanted.expert, extractor=unloaded))


def _serve(
    processes: "list[_DeviceProcess]",
    chunks: Sequence[Chunk],
    progress: Callable[[float, str], None],
    stop: Callable[[], bool],
) -> dict[str, Exception]:
    """Answers requests for chunks until all processes have ended; the first error of each expert."""
    queue, done_s, stage = deque(chunks), 0.0, ""
    errors: dict[str, Exception] = {}
    running: dict[Any, _DeviceProcess] = {process.connection: process for process in processes}
    stop_s = float("inf")
    while running and time.monotonic() < stop_s:
        if stop() and stop_s == float("inf"):
            stop_s = time.monotonic() + STOP_TIMEOUT_S
            queue.clear()
            for process in running.values():
                process.send(STOP)
        for connection in wait(list(running), POLL_INTERVAL_S):
            process = running[connection]
            message = process.receive()
            if message == REQUEST:
                process.send(queue.popleft() if queue else None)
            elif isinstance(message, tuple):
                done_s, stage = done_s + message[0], message[1]
            else:
                errors = message | errors
                process.has_ended = True
                del running[connection]
        progress(done_s, stage)
    return errors


class _DeviceProcess:
    """A process with a device of its own, which requests chunks until there are none."""

    def __init__(self, device: str, wanted: Sequence[Wanted], options: PassOptions) -> None:
        self.device = device
        context = UnsignalledContext()
        self.connection, child_end = context.Pipe()  # not a queue, which a killed process may leave locked
        arguments = child_end, [without_networks(item) for item in wanted], dataclasses.replace(options, device=device)
        self._process: BaseProcess = context.Process(target=_main, args=arguments, name=device)
        self.has_ended = False
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
        errors = run_pass(wanted, _received(parent, wanted), own_options, Watch(progress, parent.poll))
        progress.flush()
    except Exception as error:
        errors = {options.device: error}
    with suppress(OSError):  # the parent has ended, and nobody receives this
        parent.send({name: _picklable(error) for name, error in errors.items()})


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


def _received(parent: Connection, wanted: Sequence[Wanted]) -> Iterator[Todo]:
    """Video by video; requests the next chunk after the last video of one."""
    experts = {item.expert.name: item.expert for item in wanted}
    while True:
        try:
            parent.send(REQUEST)
            chunk = parent.recv()
        except (EOFError, OSError):  # the parent was killed
            return
        if chunk is None or chunk == STOP:
            return
        for path, video, names in chunk:
            yield path, video, tuple(experts[name] for name in names)


def _picklable(error: Exception) -> Exception:
    """The error with its traceback as a note, as pickling drops it; a RuntimeError if it cannot be pickled."""
    error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled by this process
    except Exception:
        return RuntimeError("\n".join(error.__notes__))
    return error
