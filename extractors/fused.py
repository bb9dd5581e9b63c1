"""One pass over the videos for all stale experts: each file is decoded once, each network sees full batches.

What an expert gets, and in which batches, depends on its own missing videos alone: fused or alone gives the same bytes.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.batches import Batches
from extractors.device import few_threads
from extractors.registry import NamedExpert
from extractors.views import Prepared, Segment, num_segments, prepare_segment
from pipeline import parts
from pipeline.engine import run_jobs
from pipeline.errors import ExtractionError
from pipeline.manifest import Video
from pipeline.parts import Features
from pipeline.store import Row


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


_Todo = tuple[Path, Video, tuple[NamedExpert, ...]]


@dataclass(frozen=True)
class Wanted:
    """One expert of the pass: the store that it fills, and the videos that it lacks."""

    expert: NamedExpert
    folder: Path
    keys: frozenset[str]
    """Contents of the videos."""


def extract(
    wanted: Sequence[Wanted],
    videos: Sequence[tuple[Path, Video]],
    options: PassOptions,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Exception]:
    """Fills the stores; returns what went wrong, by expert: an expert that fails never costs the others.

    `videos` are (file, video) in manifest order. `progress` is told how many videos are done, and of how many.
    """
    runs = {item.expert.name: _ExpertRun(item, options) for item in wanted}
    todo = _todo(wanted, videos)
    done = 0
    for outcome in _outcomes(todo, options):
        for run in runs.values():
            if outcome.key in run.wanted.keys and run.error is None:
                run.take(outcome)
        if outcome.is_last:
            done += 1
            progress(done, len(todo))
        if all(run.error for run in runs.values()):
            break
    for run in runs.values():
        run.close()
    return {name: run.error for name, run in runs.items() if run.error}


def _todo(
    wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]]
) -> list[tuple[Path, Video, tuple[NamedExpert, ...]]]:
    """Each content once, with the experts that lack it."""
    todo, seen = [], set()
    for path, video in videos:
        lacking = tuple(item.expert for item in wanted if video.content in item.keys)
        if lacking and video.content not in seen:
            seen.add(video.content)
            todo.append((path, video, lacking))
    return todo


@dataclass(frozen=True)
class _Outcome:
    """What came of one segment."""

    key: str
    index: int
    num_segments: int
    result: dict[str, Prepared] | None
    """By expert; None when the file gave nothing to anybody."""
    reason: str

    @property
    def is_last(self) -> bool:
        return self.index == self.num_segments - 1

    def of(self, expert: str) -> Prepared:
        """What one expert gets."""
        if self.result is None:
            return Prepared(np.zeros((0,)), np.zeros((0, 2)), self.reason, failed=True)
        return self.result[expert]


def _outcomes(todo: Sequence[_Todo], options: PassOptions) -> Iterator[_Outcome]:
    """Segment by segment in the order of `todo`; a video that is known to be broken is not opened again."""
    good = [item for item in todo if not item[1].problem]
    results = run_jobs(prepare_segment, _jobs(good), options.workers, options.deadline_s, again=_by_pyav)
    for _, video, _ in todo:
        if video.problem:
            yield _Outcome(video.content, 0, 1, None, video.problem)
            continue
        num = num_segments(video.duration_s)
        for index in range(num):
            done = next(results)
            yield _Outcome(video.content, index, num, done.result, done.failure.reason if done.failure else "")


def _jobs(todo: Sequence[_Todo]) -> Iterator[Segment]:
    for path, video, experts in todo:
        for index in range(num_segments(video.duration_s)):
            yield Segment(path, video.content, index, tuple(expert.id for expert in experts))


def _by_pyav(segment: Segment) -> Segment | None:
    """The second try of a segment whose worker hung or died: by the decoder that is slower to trip."""
    return None if segment.decoder == "pyav" else dataclasses.replace(segment, decoder="pyav")


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
class _Item:
    slot: _Slot
    data: NDArray[Any]
    time_s: NDArray[np.float64]


class _ExpertRun:
    """One expert's way through the pass: packs items into batches, gives rows back to videos, publishes parts."""

    def __init__(self, wanted: Wanted, options: PassOptions) -> None:
        self.wanted = wanted
        self.error: Exception | None = None
        self._options = options
        self._batches = Batches(wanted.expert, options.device)
        self._slots: list[_Slot] = []
        self._pending: dict[Any, list[_Item]] = {}

    def take(self, outcome: _Outcome) -> None:
        """The items of one segment; the first one of a video opens its row."""
        if outcome.index == 0:
            self._slots.append(_Slot(outcome.key))
        try:
            prepared = outcome.of(self.wanted.expert.name)
            self._note(prepared, outcome)
            for data, time_s in zip(prepared.items, prepared.times_s, strict=True):
                self._pack(_Item(self._slots[-1], np.asarray(data), time_s))
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

    def _note(self, prepared: Prepared, outcome: _Outcome) -> None:
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
        expert = self.wanted.expert
        self._batches.load()
        with self._threads():
            embedded = self._batches.embed(np.stack([item.data for item in batch]))
        _check(embedded, expert, len(batch))
        for index, item in enumerate(batch):
            _give(item, embedded, np.flatnonzero(embedded.item_index == index))

    def _threads(self) -> AbstractContextManager[None]:
        """Few, for a network on the CPU; a network is there when its library is loaded."""
        on_cpu = self._options.device == "cpu" and "torch" in sys.modules
        return few_threads(self._options.workers) if on_cpu else nullcontext()

    def _publish(self) -> None:
        """Ends every batch, so that the next part does not depend on this one, and writes the part."""
        for shape in list(self._pending):
            self._embed(self._pending.pop(shape))
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


def _give(item: _Item, embedded: Embedded, rows: NDArray[np.int64]) -> None:
    if not len(rows):
        return
    slot = item.slot
    slot.values.append(embedded.values[rows])
    whole = np.repeat(item.time_s[None], len(rows), axis=0)
    slot.times_s.append(whole if embedded.times_s is None else item.time_s[0] + embedded.times_s[rows])
    slot.extras.append({name: extra[rows] for name, extra in embedded.extras.items()})


def _features(slot: _Slot, dim: int) -> Features:
    if not slot.values:
        return Features(np.zeros((0, dim), np.float32), np.zeros((0, 2)))
    extras = {name: np.concatenate([extra[name] for extra in slot.extras]) for name in slot.extras[0]}
    return Features(np.concatenate(slot.values), np.concatenate(slot.times_s), extras)


def _row(slot: _Slot, count: int) -> Row:
    # What could be had of a damaged video is kept, with the shortfall as its note.
    return Row(slot.key, count, failed=slot.failed and count == 0, reason="; ".join(dict.fromkeys(slot.notes)))
