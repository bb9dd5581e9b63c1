"""What the experts saw of each video, in a few vectors, so that an example can be compared without the features store.

Of an expert's rows of a video at most MOST_VECTORS are kept: means of runs of rows that follow one another; of faces
single rows, since a mean of two faces is nobody's. A vector x is kept as |z| and u = z / |z| with z = (x - m) / s. m
and s are the mean and the standard deviation, by number, over the collection: raw features of two videos point nearly
the same way, and only what is left of them without their mean tells videos apart. The likeness of two vectors is the
cosine of their z, which is u . v.

V videos, N vectors in all, n vectors of an example, D feature.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stores.parts import Reader
from pipeline.stores.ragged import Ragged
from search.index.growing_array import GrowingArray
from search.index.vectors import Floats

FOLDER = "features"
"""In an index: by expert, its vectors, their times, and the mean and deviation."""
MOST_VECTORS = 32
SAMPLE_VIDEOS = 1024
"""Of so many videos, evenly spread, the mean and the deviation are taken."""
LEAST_SPREAD = 0.1
"""Of the typical deviation of a number: one that hardly varies would be blown up otherwise."""
BLOCK_VIDEOS = 1024
FACE = "face"
"""The modality whose rows are kept as they are."""


@dataclass(frozen=True)
class Scale:
    """The mean and the deviation of an expert's vectors in a collection."""

    mean: Floats
    """(D,)"""
    spread: Floats
    """(D,)"""

    @classmethod
    def of(cls, values: Floats, modality: str = "") -> "Scale":
        """That of the vectors (N, D); of none, or of equal ones, a spread of 1.

        All numbers of a face have one spread: networks that tell people apart are trained with the plain cosine, and a
        number that tells nobody apart would be blown up.
        """
        if not len(values):
            return cls(np.zeros(values.shape[1], np.float32), np.ones(values.shape[1], np.float32))
        spread = values.std(axis=0, dtype=np.float64)
        typical = float(np.sqrt(np.mean(spread**2)))
        if typical == 0:
            spread = np.ones_like(spread)
        elif modality == FACE:
            spread = np.full_like(spread, typical)
        else:
            spread = np.maximum(spread, LEAST_SPREAD * typical)
        return cls(values.mean(axis=0, dtype=np.float64).astype(np.float32), spread.astype(np.float32))

    def unit(self, values: Floats) -> Floats:
        """(n, D), u of each of the vectors (n, D); zeros for one that is the mean."""
        return self.units_and_lengths(values)[0]

    def units_and_lengths(self, values: Floats) -> tuple[Floats, Floats]:
        """(n, D), u of each of the vectors (n, D); (n,), |z| of each."""
        scaled = (values.astype(np.float32) - self.mean) / self.spread
        lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
        scaled /= np.maximum(lengths, np.finfo(np.float32).tiny)
        return np.asarray(scaled, np.float32), np.asarray(lengths[:, 0], np.float32)


class Features:
    """The vectors of one expert in the index at `folder`; read when they are needed."""

    def __init__(self, folder: Path, expert: str) -> None:
        self._folder, self.expert = folder / FOLDER, expert

    @cached_property
    def scale(self) -> Scale:
        """Mean and deviation."""
        return Scale(self._arrays["mean"].astype(np.float32), self._arrays["spread"].astype(np.float32))

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """(V + 1,); video i has the vectors offsets[i] to offsets[i + 1] - 1."""
        return self._arrays["offsets"].astype(np.int64)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N, 2), start and end of what each vector was made from."""
        return self._arrays["times_s"]

    @cached_property
    def units(self) -> NDArray[np.float16]:
        """(N, D), u of each vector; memory-mapped."""
        units: NDArray[np.float16] = np.load(self._folder / f"{self.expert}.npy", mmap_mode="r")
        return units

    @property
    def boxes_px(self) -> NDArray[np.float64] | None:
        """(N, 4) left, top, right, bottom of each face, in the frame as the expert saw it; None where none are kept."""
        return self._arrays.get("boxes_px")

    def raw(self, rows: slice | NDArray[np.int64]) -> Floats:
        """(n, D), some of the N vectors as the extractor gave them, but for rounding."""
        lengths = self._arrays["lengths"][rows][:, None]
        return np.asarray(self.scale.mean + self.units[rows] * lengths * self.scale.spread, np.float32)

    @cached_property
    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        with np.load(self._folder / f"{self.expert}.npz") as arrays:
            return dict(arrays)

    def span(self, row: int) -> slice:
        """Where the vectors of a video are."""
        return slice(int(self.offsets[row]), int(self.offsets[row + 1]))

    def scores(self, units: Floats) -> Floats:
        """(V,), for each video the mean over the example's `units` (n, D) of the cosine with its nearest vector.

        0, as of what has nothing to do with it, where the expert saw nothing of the video.
        """
        found = np.zeros(len(self.offsets) - 1, np.float32)
        for first in range(0, len(found), BLOCK_VIDEOS):
            offsets = self.offsets[first : first + BLOCK_VIDEOS + 1]
            present = np.flatnonzero(np.diff(offsets) > 0)
            if len(present):
                cosines = self.units[offsets[0] : offsets[-1]].astype(np.float32) @ units.T
                nearest = np.maximum.reduceat(cosines, offsets[:-1][present] - offsets[0], axis=0)
                found[first + present] = nearest.mean(axis=1)
        return found

    def best_second(self, units: Floats, row: int) -> float:
        """Start of the video's vector that is nearest to any of the example's `units`; 0 for a video without one."""
        cosines = self.nearest(units, row)
        return float(self.times_s[self.span(row)][int(cosines.argmax()), 0]) if len(cosines) else 0.0

    def nearest(self, units: Floats, row: int) -> Floats:
        """(n,), for each vector of a video the cosine with the nearest of the example's `units`."""
        return np.asarray((self.units[self.span(row)].astype(np.float32) @ units.T).max(axis=1), np.float32)

    def at(self, row: int, second: float) -> Floats:
        """(n, D), vectors of the video at a second, as an extractor gives them; the nearest ones; none without any."""
        span = self.span(row)
        times_s = self.times_s[span]
        if not len(times_s):
            return np.zeros((0, self.units.shape[1]), np.float32)
        away_s = np.maximum(0.0, np.maximum(times_s[:, 0] - second, second - times_s[:, 1]))
        nearest: Floats = self.raw(span)[away_s <= away_s.min()]
        return nearest


def save(folder: Path, expert: str, modality: str, store: Reader, dim: int, keys: Sequence[str]) -> None:
    """Writes the vectors of V videos, the rows `keys` of an expert's store, into the index at `folder`."""
    (folder / FOLDER).mkdir(exist_ok=True)
    sample = list(keys[:: max(1, len(keys) // SAMPLE_VIDEOS)])[:SAMPLE_VIDEOS]
    kept = [store.values(sample[at : at + BLOCK_VIDEOS], dim) for at in range(0, len(sample), BLOCK_VIDEOS)]
    rows = [_each(block, lambda values: few(values, modality)) for block in kept]
    scale = Scale.of(np.concatenate([np.zeros((0, dim), np.float32), *rows]), modality)
    times_s, counts, boxes_px = [np.zeros((0, 2))], [np.zeros(1, np.int64)], [np.zeros((0, 4), np.float32)]
    has_boxes = modality == FACE and _has_boxes(store, keys)
    lengths = [np.zeros(0, np.float32)]
    with GrowingArray(folder / FOLDER / f"{expert}.npy", (dim,), np.float16) as units:
        for start in range(0, len(keys), BLOCK_VIDEOS):
            block = keys[start : start + BLOCK_VIDEOS]
            values, times = store.values(block, dim), store.times_s(block)
            vectors = _each(values, lambda one: few(one, modality))
            of_block, long = scale.units_and_lengths(vectors)
            units.append(of_block)
            lengths.append(long)
            times_s.append(_each(times, lambda one: few_times(one.astype(np.float64), modality)).astype(np.float64))
            counts.append(np.minimum(values.counts, MOST_VECTORS))
            if has_boxes and len(vectors):
                boxes_px.append(_each(store.beside("box_px", block), lambda one: few(one, modality)))
    arrays: dict[str, Any] = {
        "offsets": np.cumsum(np.concatenate(counts)),
        "times_s": np.concatenate(times_s),
        "lengths": np.concatenate(lengths),
    }
    if has_boxes:
        arrays["boxes_px"] = np.concatenate(boxes_px)
    np.savez(folder / FOLDER / f"{expert}.npz", mean=scale.mean, spread=scale.spread, **arrays)


def _each(rows: Ragged, fewer: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
    """The rows one after the other, each made `fewer`; as they are where none has more than MOST_VECTORS."""
    if rows.counts.max(initial=0) <= MOST_VECTORS:
        return rows.values
    return np.concatenate([fewer(rows[at]) for at in range(len(rows))])


def _has_boxes(store: Reader, keys: Sequence[str]) -> bool:
    """Whether the expert keeps boxes, as the first video in which it saw something shows; imported ones do not."""
    found = next((store.features(key) for key in keys if store.count(key)), None)
    return found is not None and "box_px" in found.extras


def few(values: Floats, modality: str) -> Floats:
    """At most MOST_VECTORS of the vectors (n, D): means of runs, or of faces some of them, evenly spread."""
    if len(values) <= MOST_VECTORS:
        return values
    if modality == FACE:
        return values[_spread(len(values))]
    starts = _starts(len(values))
    counts = np.diff(np.append(starts, len(values)))[:, None]
    return np.asarray(np.add.reduceat(values.astype(np.float64), starts, axis=0) / counts, np.float32)


def few_times(times_s: NDArray[np.float64], modality: str) -> NDArray[np.float64]:
    """(n, 2), start and end of the vectors that `few` keeps, of those (N, 2) of all."""
    if len(times_s) <= MOST_VECTORS:
        return times_s
    if modality == FACE:
        return times_s[_spread(len(times_s))]
    starts = _starts(len(times_s))
    return np.stack([np.minimum.reduceat(times_s[:, 0], starts), np.maximum.reduceat(times_s[:, 1], starts)], axis=1)


def _spread(count: int) -> NDArray[np.int64]:
    return np.linspace(0, count - 1, MOST_VECTORS).round().astype(np.int64)


def _starts(count: int) -> NDArray[np.int64]:
    """(MOST_VECTORS,), where each of the runs begins; their lengths differ by one at most."""
    return np.arange(MOST_VECTORS, dtype=np.int64) * count // MOST_VECTORS
