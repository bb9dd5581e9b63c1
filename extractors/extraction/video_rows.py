"""The rows of the videos of a pass, which arrive batch by batch, and what becomes of them in a store."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.registry import NamedExpert
from pipeline.errors import ExtractionError
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

MAX_PARTS = 5
"""Segments that are named in a note."""


@dataclass
class VideoRows:
    """What one expert has seen so far of one video."""

    key: str
    notes: dict[str, list[int]] = field(default_factory=dict)
    """What is said of it -> the segments of which it is said, from 1 on."""
    num_segments: int = 1
    failed: bool = False
    spoiled: str = ""
    """Why none of its features may be kept; empty where they may."""
    has_ended: bool = False
    """Whether its last segment has arrived."""
    num_awaited: int = 0
    """Items that have not come back from the networks."""
    num_bytes: int = 0
    values: list[NDArray[np.float32]] = field(default_factory=list)
    times_s: list[NDArray[np.float64]] = field(default_factory=list)
    extras: list[dict[str, NDArray[Any]]] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is missing."""
        return self.has_ended and self.num_awaited == 0

    def append(self, time_s: NDArray[np.float64], embedded: Embedded, rows: NDArray[np.int64]) -> None:
        """Adds the rows of one item, which lasts from `time_s[0]` to `time_s[1]`."""
        self.num_awaited -= 1
        if not len(rows):
            return
        item_times_s = np.repeat(time_s[None], len(rows), axis=0)
        self.values.append(embedded.values[rows])
        self.times_s.append(item_times_s if embedded.times_s is None else time_s[0] + embedded.times_s[rows])
        self.extras.append({name: extra[rows] for name, extra in embedded.extras.items()})
        arrays: list[NDArray[Any]] = [self.values[-1], self.times_s[-1], *self.extras[-1].values()]
        self.num_bytes += sum(array.nbytes for array in arrays)

    def features(self, dim: int) -> Features:
        """All vectors of the video."""
        if not self.values or self.spoiled:
            return Features(np.zeros((0, dim), np.float32), np.zeros((0, 2)))
        extras = {name: np.concatenate([extra[name] for extra in self.extras]) for name in self.extras[0]}
        return Features(np.concatenate(self.values), np.concatenate(self.times_s), extras)

    def row(self, count: int) -> Row:
        """Its entry in the store, with `count` vectors."""
        if self.spoiled:
            return Row(self.key, 0, failed=True, reason=self.spoiled)
        # A damaged video with some features counts as present, and the note says what is missing.
        return Row(self.key, count, failed=self.failed and count == 0, reason=self._reason())

    def add_note(self, note: str, segment: int) -> None:
        """Adds what is said of a segment, several things with "; " between."""
        for one in filter(None, note.split("; ")):
            self.notes.setdefault(one, []).append(segment)

    def _reason(self) -> str:
        """The notes, each with the segments that it is about, where these are not all."""
        told = []
        for note, parts in self.notes.items():
            first = ", ".join(map(str, parts[:MAX_PARTS])) + (", ..." if len(parts) > MAX_PARTS else "")
            where = f"part{'s' if len(parts) > 1 else ''} {first}: " if len(parts) < self.num_segments else ""
            told.append(where + note)
        return "; ".join(told)


def check_embedded(embedded: Embedded, expert: NamedExpert, num_items: int) -> None:
    """Raises ExtractionError if `embed` did not return what `Embedded` documents, or values that are not finite."""
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
