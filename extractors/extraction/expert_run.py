"""Runs one expert in a pass: packs items into batches, collects the rows, publishes the videos that are whole.

The features of a video do not depend on the videos beside it, nor on where a part ends. On a CPU, where large batches
gain nothing, no batch spans two videos. On a GPU batches do, and each has the full size: a batch that must go before it
is full is filled up with copies of its last item. So all shapes are equal, and with them the arithmetic of each item.
"""

import functools
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.extraction.batches import Batches
from extractors.extraction.network_thread import NetworkThread
from extractors.extraction.video_rows import VideoRows, check_embedded
from extractors.extraction.watch import StopRequestedError, Watch
from extractors.extraction.work import PassOptions, SegmentResult, Wanted
from pipeline.stores import parts

P = ParamSpec("P")

MAX_QUEUED = 1
"""Batches of an expert that are queued while its networks run on others: on one, or on one in each side thread."""


_Kind = tuple[str, str, tuple[int, ...]]
"""Key of the video where no batch spans two, kind of the dtype, and shape: only equal items can share a batch; strings
of any length are equal. Where items have named parts, as frames and sound, the whole dtype in place of its kind."""


@dataclass(frozen=True)
class _Place:
    """Of an item."""

    video: VideoRows
    time_s: NDArray[np.float64]
    """(2,), start and end."""
    segment: int
    """In which it lies, from 1 on."""


_Item = tuple[_Place, NDArray[Any]]


@dataclass(frozen=True)
class _Running:
    """A batch that was submitted to the networks."""

    batch: list[_Place]
    num_items: int
    """With the copies that fill it up."""
    future: Future[Embedded]


def _keeping_error(method: "Callable[Concatenate[ExpertRun, P], None]") -> "Callable[Concatenate[ExpertRun, P], None]":
    """The method without effect after an error of the run; its own error becomes that of the run."""

    @functools.wraps(method)
    def kept(run: "ExpertRun", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            if run.error is None:
                method(run, *args, **kwargs)
        except StopRequestedError:
            raise
        except Exception as error:
            run.error = error

    return kept


class ExpertRun:
    """Takes the segments from the decode workers, and fills the store of one expert."""

    def __init__(
        self, wanted: Wanted, options: PassOptions, thread: NetworkThread, watch: Watch, batches: Batches
    ) -> None:
        self.wanted = wanted
        self.error: Exception | None = None
        """What ended the run of this expert; raised by the caller after the other experts have finished."""
        self._options = options
        self._batches = batches
        self._thread = thread
        self._most_waiting = thread.number - 1 + MAX_QUEUED
        self._watch = watch
        self._videos: dict[str, VideoRows] = {}
        self._pending: dict[_Kind, list[_Item]] = {}
        self._running: deque[_Running] = deque()
        self._spans_videos = options.device != "cpu"
        """Whether batches span videos, and are filled up."""
        self._published_s = time.monotonic()

    @_keeping_error
    def add(self, segment: SegmentResult) -> None:
        """Queues the items of one segment; waits while more batches are queued than MAX_QUEUED."""
        if segment.index == 0:
            self._videos[segment.key] = VideoRows(segment.key, num_segments=segment.num_segments)
        video, prepared = self._videos[segment.key], segment.of(self.wanted.expert.name)
        video.failed |= prepared.failed
        video.add_note(prepared.note, segment.index + 1)
        for data, time_s in zip(prepared.items, prepared.times_s, strict=True):
            self._pack(_Place(video, time_s.copy(), segment.index + 1), np.asarray(data))
            self._collect_all_but(self._most_waiting)
        self._keep_what_waits()
        if segment.is_last:
            if not self._spans_videos:
                self._submit_pending(video.key)
                self._collect_all_but(self._most_waiting)
            video.spoiled, video.has_ended = segment.spoiled, True

    def is_due(self) -> bool:
        """Whether videos have ended that are to be published now: they are many, large, or have waited for long."""
        ended = [video for video in self._videos.values() if video.has_ended]
        options, waited_s = self._options, time.monotonic() - self._published_s
        is_full = len(ended) >= options.videos_per_part or (
            sum(video.num_bytes for video in ended) >= options.megabytes_per_part * 1e6
        )
        return bool(ended) and (is_full or waited_s >= options.seconds_per_part)

    @_keeping_error
    def submit_rest(self) -> None:
        """Submits what waits for a full batch of several videos; without effect on a CPU."""
        if self._spans_videos:
            self._submit_pending()

    @_keeping_error
    def publish(self) -> None:
        """Publishes the videos that have ended, after their last batches."""
        self.submit_rest()
        self._collect_all_but(0)
        self._write()

    @_keeping_error
    def stop(self, until_s: float) -> None:
        """Publishes the videos that are whole by the time `until_s` of the monotonic clock; the last call."""
        self._watch = Watch()  # which does not ask again whether to stop
        self.submit_rest()
        while self._running and wait([self._running[0].future], max(0.0, until_s - time.monotonic())).done:
            self._collect()
        self._write()

    def _pack(self, place: _Place, data: NDArray[Any]) -> None:
        place.video.num_awaited += 1
        of_dtype = str(data.dtype) if data.dtype.names else data.dtype.kind
        kind = "" if self._spans_videos else place.video.key, of_dtype, data.shape
        batch = self._pending.setdefault(kind, [])
        batch.append((place, data))
        if len(batch) >= self._batch_size:
            self._submit(self._pending.pop(kind))

    def _keep_what_waits(self) -> None:
        """Gives memory of its own to what waits for a full batch: it is a part of all that came with its segment, also
        for other experts, and one window of speech would keep hundreds of frames."""
        for batch in self._pending.values():
            batch[:] = [(place, data if data.base is None else data.copy()) for place, data in batch]

    @property
    def _batch_size(self) -> int:
        return self.wanted.expert.config.runtime.batch_size_on(self._options.device)

    def _submit_pending(self, video: str = "") -> None:
        for kind in [kind for kind in self._pending if kind[0] == video]:
            self._submit(self._pending.pop(kind))

    def _submit(self, batch: list[_Item]) -> None:
        """Submits a batch to the network thread, filled up where shapes must be fixed."""
        data = [data for _, data in batch]
        if self._spans_videos:
            data += [data[-1]] * (self._batch_size - len(data))
        items = np.stack(data)
        future = self._thread.submit(lambda: self._embed(items), self.wanted.expert.name)
        self._running.append(_Running([place for place, _ in batch], len(items), future))

    def _embed(self, items: NDArray[Any]) -> Embedded:
        self._batches.load()
        return self._batches.embed(items)

    def _collect_all_but(self, number: int) -> None:
        while len(self._running) > number:
            self._collect()

    def _collect(self) -> None:
        """Waits for the oldest submitted batch, and appends its rows to their videos."""
        running = self._running[0]
        embedded = self._watch.result(running.future, lambda: f"the networks of {self._thread.current}")
        self._running.popleft()
        check_embedded(embedded, self.wanted.expert, running.num_items)
        for index, place in enumerate(running.batch):
            place.video.append(place.time_s, embedded, np.flatnonzero(embedded.item_index == index))
            if fault := embedded.faults.get(index):
                place.video.failed = True
                place.video.add_note(fault, place.segment)

    def _write(self) -> None:
        """Writes the videos that are whole as a part."""
        extractor = self.wanted.expert.extractor
        whole = [video for video in self._videos.values() if video.is_whole]
        if whole:
            features = [extractor.finish(video.features(extractor.dim)) for video in whole]
            rows = [video.row(len(item.values)) for video, item in zip(whole, features, strict=True)]
            parts.publish(self.wanted.folder, rows, features, extractor.dim)
        self._videos = {key: video for key, video in self._videos.items() if not video.is_whole}
        self._published_s = time.monotonic()


def publish(runs: Iterable[ExpertRun]) -> None:
    """Publishes what has ended of each: the last batches of all are on their way while the first is written."""
    every = list(runs)
    for run in every:
        run.submit_rest()
    for run in every:
        run.publish()
