"""One expert's way through a pass: items packed into batches across videos, their rows given back, parts published."""

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

AHEAD = 1
"""Batches of an expert that wait while the networks work on another."""


@dataclass(frozen=True)
class PassOptions:
    """Speed and patience only; none of it changes a feature."""

    workers: int
    """Decode workers."""
    deadline_s: float
    """For one segment of one video."""
    videos_per_part: int
    device: str
    """cpu or cuda:<n>"""


@dataclass(frozen=True)
class Wanted:
    """One expert of the pass: the store that it fills, and the videos that it lacks."""

    expert: NamedExpert
    folder: Path
    keys: frozenset[str]
    """Contents of the videos."""


@dataclass(frozen=True)
class Outcome:
    """What came of one segment."""

    key: str
    experts: tuple[str, ...]
    """Those that lack the video."""
    index: int
    num_segments: int
    result: dict[str, Prepared] | None
    """By expert; None when the file gave nothing to anybody."""
    reason: str

    @property
    def is_last(self) -> bool:
        """Whether it ends its video."""
        return self.index == self.num_segments - 1

    def of(self, expert: str) -> Prepared:
        """What one expert gets."""
        if self.result is None:
            return Prepared(np.zeros((0,)), np.zeros((0, 2)), self.reason, failed=True)
        return self.result[expert]


@dataclass
class _Slot:
    """A video on its way: its rows arrive batch by batch."""

    key: str
    notes: list[str] = field(default_factory=list)
    failed: bool = False
    values: list[NDArray[np.float32]] = field(default_factory=list)
    times_s: list[NDArray[np.float64]] = field(default_factory=list)
    extras: list[dict[str, NDArray[Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class _Place:
    """Where the features of an item belong."""

    slot: _Slot
    time_s: NDArray[np.float64]
    """(2,)"""


@dataclass(frozen=True)
class _Item:
    place: _Place
    data: NDArray[Any]


class ExpertRun:
    """Takes what the decode workers made of each segment, and fills the store of the expert."""

    def __init__(self, wanted: Wanted, options: PassOptions, thread: NetworkThread) -> None:
        self.wanted = wanted
        self.error: Exception | None = None
        self._options = options
        self._batches = Batches(wanted.expert, options.device)
        self._thread = thread
        self._slots: list[_Slot] = []
        self._pending: dict[Any, list[_Item]] = {}
        self._working: deque[tuple[list[_Place], Future[Embedded]]] = deque()

    def take(self, outcome: Outcome) -> None:
        """The items of one segment; the first one of a video opens its row."""
        if outcome.index == 0:
            self._slots.append(_Slot(outcome.key))
        try:
            prepared = outcome.of(self.wanted.expert.name)
            self._note(prepared, outcome)
            for data, time_s in zip(prepared.items, prepared.times_s, strict=True):
                self._pack(_Item(_Place(self._slots[-1], time_s), np.asarray(data)))
            if outcome.is_last and len(self._slots) == self._options.videos_per_part:
                self._publish()
        except Exception as error:  # kept, and raised by the caller once the other experts are through
            self.error = error

    def close(self) -> None:
        """Publishes what is left."""
        if self.error is None and self._slots:
            try:
                self._publish()
            except Exception as error:
                self.error = error

    def _note(self, prepared: Prepared, outcome: Outcome) -> None:
        slot = self._slots[-1]
        slot.failed |= prepared.failed
        if prepared.note:
            whole = outcome.num_segments == 1
            slot.notes.append(prepared.note if whole else f"part {outcome.index + 1}: {prepared.note}")

    def _pack(self, item: _Item) -> None:
        # Only items of one shape can share a batch; strings of any length are one shape.
        shape = item.data.dtype.kind, item.data.shape
        batch = self._pending.setdefault(shape, [])
        batch.append(item)
        if len(batch) >= self.wanted.expert.config.runtime.batch_size:
            self._embed(self._pending.pop(shape))

    def _embed(self, batch: list[_Item]) -> None:
        """Hands a batch to the networks; they are at work on at most two of this expert."""
        items = np.stack([item.data for item in batch])
        future = self._thread.submit(lambda: self._embedded(items))
        self._working.append(([item.place for item in batch], future))
        if len(self._working) > AHEAD:
            self._give_back()

    def _embedded(self, items: NDArray[Any]) -> Embedded:
        self._batches.load()
        return self._batches.embed(items)

    def _give_back(self) -> None:
        """The features of the oldest batch that the networks were given, to their videos."""
        places, future = self._working.popleft()
        embedded = future.result()
        _check(embedded, self.wanted.expert, len(places))
        for index, place in enumerate(places):
            _give(place, embedded, np.flatnonzero(embedded.item_index == index))

    def _publish(self) -> None:
        """Ends every batch, so that the next part does not depend on this one, and writes the part."""
        for shape in list(self._pending):
            self._embed(self._pending.pop(shape))
        while self._working:
            self._give_back()
        extractor = self.wanted.expert.extractor
        dim = extractor.dim
        features = [extractor.finish(_features(slot, dim)) for slot in self._slots]
        rows = [_row(slot, len(item.values)) for slot, item in zip(self._slots, features, strict=True)]
        parts.publish(self.wanted.folder, rows, features, dim)
        self._slots = []


def _check(embedded: Embedded, expert: NamedExpert, num_items: int) -> None:
    """What every expert promises; a broken promise is its author's to see, not a training run's."""
    values, index = embedded.values, embedded.item_index
    good = values.shape == (len(index), expert.extractor.dim) and values.dtype == np.float32
    rising = bool(np.all(np.diff(index) >= 0))
    inside = not len(index) or bool(index[0] >= 0 and index[-1] < num_items)
    if not (good and rising and inside):
        raise ExtractionError(f"expert {expert.name}: embed() gave {values.dtype} {values.shape} for {num_items} items")
    beside = {"times_s": embedded.times_s} if embedded.times_s is not None else {}
    for name, array in (embedded.extras | beside).items():
        if len(array) != len(index):
            raise ExtractionError(f"expert {expert.name}: embed() gave {len(array)} {name!r} for {len(index)} vectors")
    if not np.isfinite(values).all():
        raise ExtractionError(f"expert {expert.name}: embed() gave values that are not finite")


def _give(place: _Place, embedded: Embedded, rows: NDArray[np.int64]) -> None:
    if not len(rows):
        return
    slot = place.slot
    slot.values.append(embedded.values[rows])
    whole = np.repeat(place.time_s[None], len(rows), axis=0)
    slot.times_s.append(whole if embedded.times_s is None else place.time_s[0] + embedded.times_s[rows])
    slot.extras.append({name: extra[rows] for name, extra in embedded.extras.items()})


def _features(slot: _Slot, dim: int) -> Features:
    if not slot.values:
        return Features(np.zeros((0, dim), np.float32), np.zeros((0, 2)))
    extras = {name: np.concatenate([extra[name] for extra in slot.extras]) for name in slot.extras[0]}
    return Features(np.concatenate(slot.values), np.concatenate(slot.times_s), extras)


def _row(slot: _Slot, count: int) -> Row:
    # What could be had of a damaged video is kept, with the shortfall as its note.
    return Row(slot.key, count, failed=slot.failed and count == 0, reason="; ".join(dict.fromkeys(slot.notes)))
