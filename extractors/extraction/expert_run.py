"""Runs one expert in a pass: packs items into batches across videos, collects the rows, publishes parts."""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.extraction.batches import Batches
from extractors.extraction.network_thread import NetworkThread
from extractors.extraction.views import Prepared
from extractors.registry import NamedExpert
from pipeline.errors import ExtractionError
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

MAX_QUEUED = 1
"""Batches of an expert that are queued while its networks run on another one."""


@dataclass(frozen=True)
class PassOptions:
    """Settings of a pass that affect speed only; none of them changes a feature."""

    workers: int
    """Decode workers."""
    deadline_s: float
    """Timeout for decoding one segment of one video."""
    videos_per_part: int
    device: str
    """cpu or cuda:<n>"""


@dataclass(frozen=True)
class Wanted:
    """One expert of a pass: the store to fill, and the videos that are missing there."""

    expert: NamedExpert
    folder: Path
    """Folder of the store."""
    keys: frozenset[str]
    """Content hashes of the missing videos."""


@dataclass(frozen=True)
class SegmentResult:
    """What the decode workers returned for one segment of a video."""

    key: str
    """Content hash of the video."""
    experts: tuple[str, ...]
    """Names of the experts that lack the video."""
    index: int
    """Of the segment."""
    num_segments: int
    prepared: dict[str, Prepared] | None
    """Expert -> its items; None if the segment could not be decoded at all."""
    reason: str
    """Why it could not be decoded."""

    @property
    def is_last(self) -> bool:
        """Whether it is the last segment of its video."""
        return self.index == self.num_segments - 1

    def of(self, expert: str) -> Prepared:
        """The items of one expert."""
        return Prepared.nothing(self.reason, failed=True) if self.prepared is None else self.prepared[expert]


@dataclass
class _VideoRows:
    """The rows of one video of the part that is being filled; they arrive batch by batch."""

    key: str
    notes: list[str] = field(default_factory=list)
    failed: bool = False
    values: list[NDArray[np.float32]] = field(default_factory=list)
    times_s: list[NDArray[np.float64]] = field(default_factory=list)
    extras: list[dict[str, NDArray[Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class _Target:
    """Where the rows of an item belong."""

    video: _VideoRows
    time_s: NDArray[np.float64]
    """(2,), start and end of the item."""


_Kind = tuple[str, tuple[int, ...]]
"""Kind of the dtype, and shape: only equal items can share a batch; strings of any length are equal."""


@dataclass(frozen=True)
class _Item:
    target: _Target
    data: NDArray[Any]


class ExpertRun:
    """Takes the segments from the decode workers, and fills the store of one expert."""

    def __init__(self, wanted: Wanted, options: PassOptions, thread: NetworkThread) -> None:
        self.wanted = wanted
        self.error: Exception | None = None
        self._options = options
        self._batches = Batches(wanted.expert, options.device)
        self._thread = thread
        self._videos: list[_VideoRows] = []
        self._pending: dict[_Kind, list[_Item]] = {}
        self._running: deque[tuple[list[_Target], Future[Embedded]]] = deque()

    def add(self, segment: SegmentResult) -> None:
        """Queue the items of one segment, and publish a part that is full. An error is kept in `self.error`."""
        if segment.index == 0:
            self._videos.append(_VideoRows(segment.key))
        try:
            prepared = segment.of(self.wanted.expert.name)
            self._add_note(prepared, segment)
            for data, time_s in zip(prepared.items, prepared.times_s, strict=True):
                self._pack(_Item(_Target(self._videos[-1], time_s), np.asarray(data)))
            if segment.is_last and len(self._videos) == self._options.videos_per_part:
                self._publish()
        except Exception as error:  # raised by the caller after the other experts have finished
            self.error = error

    def close(self) -> None:
        """Publish the last part."""
        if self.error is None and self._videos:
            try:
                self._publish()
            except Exception as error:
                self.error = error

    def _add_note(self, prepared: Prepared, segment: SegmentResult) -> None:
        video = self._videos[-1]
        video.failed |= prepared.failed
        if prepared.note:
            is_whole = segment.num_segments == 1
            video.notes.append(prepared.note if is_whole else f"part {segment.index + 1}: {prepared.note}")

    def _pack(self, item: _Item) -> None:
        kind = item.data.dtype.kind, item.data.shape
        batch = self._pending.setdefault(kind, [])
        batch.append(item)
        if len(batch) >= self.wanted.expert.config.runtime.batch_size:
            self._submit(self._pending.pop(kind))

    def _submit(self, batch: list[_Item]) -> None:
        """Submit a batch to the network thread; waits while that has more than MAX_QUEUED batches of this expert."""
        items = np.stack([item.data for item in batch])
        future = self._thread.submit(lambda: self._embed(items))
        self._running.append(([item.target for item in batch], future))
        if len(self._running) > MAX_QUEUED:
            self._collect()

    def _embed(self, items: NDArray[Any]) -> Embedded:
        self._batches.load()
        return self._batches.embed(items)

    def _collect(self) -> None:
        """Wait for the oldest submitted batch, and append its rows to their videos."""
        targets, future = self._running.popleft()
        embedded = future.result()
        _check(embedded, self.wanted.expert, len(targets))
        for index, target in enumerate(targets):
            _append(target, embedded, np.flatnonzero(embedded.item_index == index))

    def _publish(self) -> None:
        """Submit all pending items, so that the next part does not depend on this one, and write the part."""
        for kind in list(self._pending):
            self._submit(self._pending.pop(kind))
        while self._running:
            self._collect()
        extractor = self.wanted.expert.extractor
        dim = extractor.dim
        features = [extractor.finish(_features(video, dim)) for video in self._videos]
        rows = [_row(video, len(item.values)) for video, item in zip(self._videos, features, strict=True)]
        parts.publish(self.wanted.folder, rows, features, dim)
        self._videos = []


def _check(embedded: Embedded, expert: NamedExpert, num_items: int) -> None:
    """Raise ExtractionError if `embed` did not return what `Embedded` documents, or values that are not finite."""
    values, index = embedded.values, embedded.item_index
    fits = values.shape == (len(index), expert.extractor.dim) and values.dtype == np.float32
    is_sorted = bool(np.all(np.diff(index) >= 0))
    in_range = not len(index) or bool(index[0] >= 0 and index[-1] < num_items)
    if not (fits and is_sorted and in_range):
        raise ExtractionError(f"expert {expert.name}: embed() gave {values.dtype} {values.shape} for {num_items} items")
    times = {"times_s": embedded.times_s} if embedded.times_s is not None else {}
    for name, array in (embedded.extras | times).items():
        if len(array) != len(index):
            raise ExtractionError(f"expert {expert.name}: embed() gave {len(array)} {name!r} for {len(index)} vectors")
    if not np.isfinite(values).all():
        raise ExtractionError(f"expert {expert.name}: embed() gave values that are not finite")


def _append(target: _Target, embedded: Embedded, rows: NDArray[np.int64]) -> None:
    if not len(rows):
        return
    video = target.video
    video.values.append(embedded.values[rows])
    item_times_s = np.repeat(target.time_s[None], len(rows), axis=0)
    video.times_s.append(item_times_s if embedded.times_s is None else target.time_s[0] + embedded.times_s[rows])
    video.extras.append({name: extra[rows] for name, extra in embedded.extras.items()})


def _features(video: _VideoRows, dim: int) -> Features:
    if not video.values:
        return Features(np.zeros((0, dim), np.float32), np.zeros((0, 2)))
    extras = {name: np.concatenate([extra[name] for extra in video.extras]) for name in video.extras[0]}
    return Features(np.concatenate(video.values), np.concatenate(video.times_s), extras)


def _row(video: _VideoRows, count: int) -> Row:
    # A damaged video with some features counts as present, and the note says what is missing.
    return Row(video.key, count, failed=video.failed and count == 0, reason="; ".join(dict.fromkeys(video.notes)))
