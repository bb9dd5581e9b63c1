"""The pass on several devices: a process each, to which the videos are dealt while it runs, a part at a time.

A part of an expert holds the same videos as on one device, and batches are packed within a part. So the features are
those of one device, bit for bit on equal devices, whichever process made them.
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
from extractors.extraction.one_pass import PassOptions, Todo, Wanted, run_pass, what_is_lacking
from pipeline.datasets.manifest import Video
from pipeline.errors import ExtractionError
from pipeline.running.processes import SigintBlockedContext

Chunk = list[tuple[Path, Video, tuple[str, ...]]]
"""What one process does at a stretch, with the names of the experts: of each at most one part."""

MORE = "more"
SEEN = "seen"
"""What a process asks for, and what it tells; its last message is its errors, by expert."""

PATIENCE_S = 10.0
"""For a process to end its decode workers before it is killed."""


def extract(
    devices: Sequence[str],
    wanted: Sequence[Wanted],
    videos: Sequence[tuple[Path, Video]],
    options: PassOptions,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Exception]:
    """As `one_pass.extract`, on all of `devices`; `options.workers` decode for each.

    A process that was killed is an error under the name of its device; the others go on with what is left.
    """
    chunks = deal(wanted, videos, options.videos_per_part)
    if min(len(devices), len(chunks)) < 2:
        return one_pass.extract(wanted, videos, dataclasses.replace(options, device=devices[0]), progress)
    hands = [_Hand(device, wanted, options) for device in devices[: len(chunks)]]
    try:
        return _run(hands, chunks, progress)
    finally:
        for hand in hands:
            hand.stop()


def deal(wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]], videos_per_part: int) -> list[Chunk]:
    """What is to be done in chunks, in manifest order.

    An expert's part goes whole into one chunk, that of its first video. Where experts lack different videos, a few are
    so decoded in two chunks: what an expert is given must not depend on what others lack.
    """
    todo = what_is_lacking(wanted, videos)
    dealt: dict[int, dict[int, list[str]]] = {}
    for item in wanted:
        mine = [place for place, (_, video, _) in enumerate(todo) if video.content in item.keys]
        for first in range(0, len(mine), videos_per_part):
            part = mine[first : first + videos_per_part]
            chunk = dealt.setdefault(part[0] // videos_per_part, {})
            for place in part:
                chunk.setdefault(place, []).append(item.expert.name)
    return [[(*todo[place][:2], tuple(chunk[place])) for place in sorted(chunk)] for _, chunk in sorted(dealt.items())]


def fresh(wanted: Wanted) -> Wanted:
    """The same without networks: what a process loads is not to be sent to it, nor kept beside it."""
    extractor = wanted.expert.extractor
    unloaded = type(extractor)(extractor.params, extractor.source)
    return dataclasses.replace(wanted, expert=dataclasses.replace(wanted.expert, extractor=unloaded))


def _run(hands: "list[_Hand]", chunks: Sequence[Chunk], progress: Callable[[int, int], None]) -> dict[str, Exception]:
    """Deals until all hands have ended; the first error of each expert."""
    waiting, total, done = deque(chunks), sum(map(len, chunks)), 0
    errors: dict[str, Exception] = {}
    at_work: dict[Any, _Hand] = {hand.connection: hand for hand in hands}
    while at_work:
        for connection in wait(list(at_work)):
            hand = at_work[connection]
            try:
                told = hand.connection.recv()
                if told == MORE:
                    hand.connection.send(waiting.popleft() if waiting else None)
                    continue
            except (EOFError, OSError):
                told = {hand.device: hand.why_it_ended()}
            if told == SEEN:
                done += 1
                progress(done, total)
            else:
                errors = told | errors
                hand.has_ended = True
                del at_work[connection]
    return errors


class _Hand:
    """A process with a device of its own, which asks for chunks until there are none."""

    def __init__(self, device: str, wanted: Sequence[Wanted], options: PassOptions) -> None:
        self.device = device
        context = SigintBlockedContext()
        self.connection, theirs = context.Pipe()  # not a queue, which the dead may leave locked
        told = [fresh(item) for item in wanted], dataclasses.replace(options, device=device)
        self._process: BaseProcess = context.Process(target=_work, args=(theirs, *told), name=device)
        self.has_ended = False
        self._process.start()
        theirs.close()

    def why_it_ended(self) -> ExtractionError:
        """Of a process that said no last word."""
        self._process.join(PATIENCE_S)
        code = self._process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        hint = " (the system does so when memory is short: fewer workers or devices need less)" if code == -9 else ""
        return ExtractionError(
            f"the process on {self.device} {how}{hint}; what was published is kept: the same command goes on from it"
        )

    def stop(self) -> None:
        """Ends it and its decode workers, whatever they do."""
        self.connection.close()
        if not self.has_ended:
            self._process.terminate()
        self._process.join(PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _work(parent: Connection, wanted: Sequence[Wanted], options: PassOptions) -> None:
    """The life of a process: a pass over what it is dealt."""
    signal.signal(signal.SIGTERM, _leave)  # an orderly end takes the decode workers along
    try:
        alone = dataclasses.replace(options, device=see_only(options.device))
        errors = run_pass(wanted, _dealt(parent, wanted), alone, lambda done: parent.send(SEEN))
    except Exception as error:
        errors = {options.device: error}
    with suppress(OSError):  # the parent is gone, and with it whoever wanted this
        parent.send({name: _sendable(error) for name, error in errors.items()})


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def see_only(device: str) -> str:
    """What `device` is called in this process from now on, which sees no other GPU; before CUDA is begun.

    So no library and no thread that names no GPU can stray to another one.
    """
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return device
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[int(number)] if visible else number
    return "cuda:0"


def _dealt(parent: Connection, wanted: Sequence[Wanted]) -> Iterator[Todo]:
    """Video by video, asking for more when a chunk is through."""
    mine = {item.expert.name: item.expert for item in wanted}
    while True:
        parent.send(MORE)
        chunk: Chunk | None = parent.recv()
        if chunk is None:
            return
        for path, video, names in chunk:
            yield path, video, tuple(mine[name] for name in names)


def _sendable(error: Exception) -> Exception:
    """The error, with its traceback as a note, for that is lost on the way."""
    error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made a moment ago, by this process
    except Exception:
        return RuntimeError("\n".join(error.__notes__))
    return error
