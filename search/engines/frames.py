"""The frames of an image-text expert against its own text tower: finds videos by a description before any training.

V videos, N frames in all, D feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.stores.parts import Reader
from search.engines import text_encoders
from search.index.folder import Facts
from search.index.growing_array import Column
from search.index.vectors import BLOCK_ROWS, UNSEEN, Floats

BLOCK_VIDEOS = 1024


@dataclass(frozen=True)
class Frames:
    """The frames that one expert saw, and the text tower that goes with it."""

    folder: Path
    """Of the index."""
    facts: Facts
    expert: str

    def query(self, text: str) -> Floats:
        """(D,), of length 1."""
        tower = text_encoders.load(self.folder, self.facts.towers[self.expert], self.facts.weight_options)
        return _unit(tower.encode([text])[0].mean(axis=0))

    def scores(self, query: Floats) -> Floats:
        """(V,), the cosine of each video's best frame; UNSEEN where there is none."""
        cosines = self._cosines(query)
        best = np.full(len(self._offsets) - 1, UNSEEN, np.float32)
        there = np.diff(self._offsets) > 0
        if there.any():
            best[there] = np.maximum.reduceat(cosines, self._offsets[:-1][there])
        return best

    def best_second(self, query: Floats, row: int) -> float:
        """When the best frame of a video is shown."""
        span = slice(self._offsets[row], self._offsets[row + 1])
        if span.start == span.stop:
            return 0.0
        return float(self._starts_s[span][int((self._vectors[span] @ query).argmax())])

    def _cosines(self, query: Floats) -> Floats:
        blocks = range(0, len(self._vectors), BLOCK_ROWS)
        return np.concatenate(
            [np.zeros(0, np.float32), *(self._vectors[start : start + BLOCK_ROWS] @ query for start in blocks)]
        )

    @cached_property
    def _vectors(self) -> Floats:
        found: Floats = np.load(self.folder / "frames" / f"{self.expert}.npy", mmap_mode="r")
        return found

    @cached_property
    def _kept(self) -> dict[str, NDArray[np.float64]]:
        with np.load(self.folder / "frames" / f"{self.expert}.npz") as kept:
            return dict(kept)

    @property
    def _offsets(self) -> NDArray[np.int64]:
        return self._kept["offsets"].astype(np.int64)

    @property
    def _starts_s(self) -> NDArray[np.float64]:
        return self._kept["starts_s"]


def save(folder: Path, expert: str, features_of: Reader, dim: int, keys: Sequence[str]) -> None:
    """Keeps the frames of V videos, the rows called `keys` of a store, in the index at `folder`."""
    (folder / "frames").mkdir(exist_ok=True)
    starts_s, counts = [np.zeros(0, np.float32)], [np.zeros(1, np.int64)]
    with Column(folder / "frames" / f"{expert}.npy", (dim,)) as vectors:
        for start in range(0, len(keys), BLOCK_VIDEOS):
            block = keys[start : start + BLOCK_VIDEOS]
            features = features_of.values(block, dim)
            vectors.append(_unit(features.values))
            starts_s.append(features_of.times_s(block).values[:, 0])
            counts.append(features.counts)
    offsets = np.cumsum(np.concatenate(counts))
    np.savez(folder / "frames" / f"{expert}.npz", offsets=offsets, starts_s=np.concatenate(starts_s))


def _unit(values: Floats) -> Floats:
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.maximum(length, np.finfo(np.float32).tiny), np.float32)
