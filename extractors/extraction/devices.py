"""Runs the pass on several devices: one process per device, which requests the videos in chunks of about one part.

A part of an expert holds the same videos as on one device, and batches are packed within a part. So on equal devices
the features are bit for bit those of one device, whichever process computed them.
"""

import dataclasses
import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from extractors.extraction import one_pass
from extractors.extraction.one_pass import PassOptions, Todo, Wanted, missing_videos, run_pass
from pipeline.datasets.manifest import Video
from pipeline.errors import ExtractionError
from pipeline.running.processes import SigintBlockedContext

Chunk = list[tuple[Path, Video, tuple[str, ...]]]
"""Videos for one process, with the names of the experts that lack them; at most one part of each expert."""

REQUEST = "request"
VIDEO_DONE = "video done"
"""Messages of a process: it requests a chunk, or has finished a video. Its last message is expert -> error."""

TERMINATE_TIMEOUT_S = 10.0
"""Time for a process to end its decode workers before it is killed."""


def extract(
    devices: Sequence[str],
    wanted: Sequence[Wanted],
    videos: Sequence[tuple[Path, Video]],
    options: PassOptions,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Exception]:
    """As `one_pass.extract`, on all of `devices`, with `options.workers` decode workers each.

    A process that was killed is reported as an error under the name of its device; the others finish the remaining
    chunks.
    """
    chunks = chunks_of(wanted, videos, options.videos_per_part)
    if min(len(devices), len(chunks)) < 2:
        return one_pass.extract(wanted, videos, dataclasses.replace(options, device=devices[0]), progress)
    processes = [_DeviceProcess(device, wanted, options) for device in devices[: len(chunks)]]
    try:
        return _serve(processes, chunks, progress)
    finally:
        for process in processes:
            process.stop()


def chunks_of(wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]], videos_per_part: int) -> list[Chunk]:
    """The missing videos in chunks, in manifest order.

    A part of an expert is never split: it belongs to the chunk of its first video. So where experts lack different
    videos, some videos are decoded in two chunks; the parts of an expert must not depend on what others lack.
    """
    todo = missing_videos(wanted, videos)
    chunks: dict[int, dict[int, list[str]]] = {}
    for item in wanted:
        missing = [index for index, (_, video, _) in enumerate(todo) if video.content in item.keys]
        for first in range(0, len(missing), videos_per_part):
            part = missing[first : first + videos_per_part]
            chunk = chunks.setdefault(part[0] // videos_per_part, {})
            for index in part:
                chunk.setdefault(index, []).append(item.expert.name)
    return [[(*todo[index][:2], tuple(chunk[index])) for index in sorted(chunk)] for _, chunk in sorted(chunks.items())]


def without_networks(wanted: Wanted) -> Wanted:
    """The same with an extractor whose networks are not loaded, to be sent to a process, which loads its own."""
    extractor = wanted.expert.extractor
    unloaded = type(extractor)(extractor.params, extractor.source)
    return dataclasses.replace(wanted, expert=dataclasses.replace(wanted.expert, extractor=unloaded))


def _serve(
    processes: "list[_DeviceProcess]", chunks: Sequence[Chunk], progress: Callable[[int, int], None]
) -> dict[str, Exception]:
    """Answer requests for chunks until all processes have ended; the first error of each expert."""
    queue, total, done = deque(chunks), sum(map(len, chunks)), 0
    errors: dict[str, Exception] = {}
    running: dict[Any, _DeviceProcess] = {process.connection: process for process in processes}
    while running:
        for connection in wait(list(running)):
            process = running[connection]
            try:
                message = process.connection.recv()
                if message == REQUEST:
                    process.connection.send(queue.popleft() if queue else None)
                    continue
            except (EOFError, OSError):
                message = {process.device: process.crash_error()}
            if message == VIDEO_DONE:
                done += 1
                progress(done, total)
            else:
                errors = message | errors
                process.has_ended = True
                del running[connection]
    return errors


class _DeviceProcess:
    """A process with a device of its own, which requests chunks until there are none."""

    def __init__(self, device: str, wanted: Sequence[Wanted], options: PassOptions) -> None:
        self.device = device
        context = SigintBlockedContext()
        self.connection, child_end = context.Pipe()  # not a queue, which a killed process may leave locked
        arguments = child_end, [without_networks(item) for item in wanted], dataclasses.replace(options, device=device)
        self._process: BaseProcess = context.Process(target=_main, args=arguments, name=device)
        self.has_ended = False
        self._process.start()
        child_end.close()

    def crash_error(self) -> ExtractionError:
        """Why the process ended without its last message."""
        self._process.join(TERMINATE_TIMEOUT_S)
        code = self._process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = " (the system does so when memory is short: fewer workers or devices need less)" if code == -9 else ""
        return ExtractionError(
            f"the process on {self.device} {how}{hint}; what was published is kept: the same command goes on from it"
        )

    def stop(self) -> None:
        """End the process and its decode workers; kill it if it does not end in time."""
        self.connection.close()
        if not self.has_ended:
            self._process.terminate()
        self._process.join(TERMINATE_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _main(parent: Connection, wanted: Sequence[Wanted], options: PassOptions) -> None:
    """The main function of a process: a pass over the chunks that it receives."""
    signal.signal(signal.SIGTERM, _exit)  # a normal exit ends the decode workers too
    try:
        own_options = dataclasses.replace(options, device=see_only(options.device))
        errors = run_pass(wanted, _received(parent, wanted), own_options, lambda done: parent.send(VIDEO_DONE))
    except Exception as error:
        errors = {options.device: error}
    with suppress(OSError):  # the parent has ended, and nobody receives this
        parent.send({name: _picklable(error) for name, error in errors.items()})


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


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
        parent.send(REQUEST)
        chunk: Chunk | None = parent.recv()
        if chunk is None:
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
