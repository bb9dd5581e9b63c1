"""Searches the rows of experts that a text can be compared with: frames, clips, sound; needs no training.

Each by its own text tower. Of several experts of one modality the first that can be loaded takes part.

V videos, N frames in all, D feature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.stores.parts import Reader
from search.engines import minus
from search.engines.fusion import CANDIDATES, Ranking
from search.engines.minus import SplitQuery
from search.engines.peaks import Peak, ends, peaks
from search.engines.towers import Towered, loaded
from search.index.growing_array import GrowingArray
from search.index.vectors import BLOCK_ROWS, TINY, UNSEEN, Floats

BLOCK_VIDEOS = 1024


@dataclass(frozen=True)
class Frames(Towered):
    """The frame vectors of one expert, and the matching text encoder."""

    def query(self, text: str, unwanted: Sequence[str] = ()) -> Floats:
        """(D,) embedding of the text less those of `unwanted` ones, of length 1.

        PipelineError when the text tower cannot be loaded.
        """
        tower = self.encoders.facts.towers[self.expert]
        wanted, *others = (_unit(self.encoders.encode(tower, one).mean(axis=0)) for one in (text, *unwanted))
        return minus.less(wanted, others)

    def scores(self, query: Floats) -> Floats:
        """(V,), cosine of each video's best frame; UNSEEN for a video without frames."""
        cosines = self._cosines(query)
        best = np.full(len(self._offsets) - 1, UNSEEN, np.float32)
        has_frames = np.diff(self._offsets) > 0
        if has_frames.any():
            best[has_frames] = np.maximum.reduceat(cosines, self._offsets[:-1][has_frames])
        return best

    def best_second(self, query: Floats, row: int) -> float:
        """Start of the best frame of a video; 0 for a video without frames."""
        span = slice(self._offsets[row], self._offsets[row + 1])
        if span.start == span.stop:
            return 0.0
        return float(self._starts_s[span][int((self._vectors[span] @ query).argmax())])

    def moments_of(self, query: Floats, row: int, duration_s: float) -> list[Peak]:
        """Where in a video of this length the frames' cosines stand out."""
        span = slice(self._offsets[row], self._offsets[row + 1])
        starts_s = self._starts_s[span]
        return peaks(starts_s, ends(starts_s, duration_s), self._vectors[span] @ query)

    def _cosines(self, query: Floats) -> Floats:
        blocks = range(0, len(self._vectors), BLOCK_ROWS)
        return np.concatenate(
            [np.zeros(0, np.float32), *(self._vectors[start : start + BLOCK_ROWS] @ query for start in blocks)]
        )

    @cached_property
    def _vectors(self) -> Floats:
        vectors: Floats = np.load(self.folder / "frames" / f"{self.expert}.npy", mmap_mode="r")
        return vectors

    @cached_property
    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        with np.load(self.folder / "frames" / f"{self.expert}.npz") as arrays:
            return dict(arrays)

    @property
    def _offsets(self) -> NDArray[np.int64]:
        return self._arrays["offsets"].astype(np.int64)

    @property
    def _starts_s(self) -> NDArray[np.float64]:
        return self._arrays["starts_s"]


@dataclass(frozen=True)
class FoundFrames:
    """What the experts found for a text."""

    ranking: Ranking
    parts: tuple[tuple[Frames, Floats], ...]
    """The experts that found something, each with the query (D,) in its space."""
    of: Mapping[int, int]
    """Row -> which of them ranks the video best."""

    def expert_of(self, row: int) -> str:
        """The expert that ranks a video best."""
        return self._part(row)[0].expert

    def best_second(self, row: int) -> float:
        """Start of the frame of a video that matches the text best."""
        frames, query = self._part(row)
        return frames.best_second(query, row)

    def moments_of(self, row: int, duration_s: float) -> list[Peak]:
        """Where in a video of this length the frames match the text."""
        frames, query = self._part(row)
        return frames.moments_of(query, row, duration_s)

    def _part(self, row: int) -> tuple[Frames, Floats]:
        return self.parts[self.of.get(row, 0)]


def find(
    experts: Sequence[Frames], text: SplitQuery, allowed: NDArray[np.bool_], margin: float, notes: list[str]
) -> FoundFrames | None:
    """The at most CANDIDATES best of the `allowed` videos, (V,) bools, by the first expert of each modality.

    An expert takes part that can be loaded, and by which a video scores `margin` standard deviations above the mean;
    None when none does. Several are compared by these deviations, as cosines of two networks are not alike: a video
    counts by the expert by which it stands out most. Appends to `notes` why an expert could not be loaded.
    """
    parts, found = [], list[tuple[Floats, Floats]]()
    for frames, query in loaded(experts, text, notes):
        high = _high(frames.scores(query), allowed, margin)
        if high is not None:
            parts.append((frames, query))
            found.append(high)
    if not parts:
        return None
    deviations = np.stack([one for _, one in found])
    scores = found[0][0] if len(parts) == 1 else deviations.max(axis=0)
    rows = np.flatnonzero(scores > UNSEEN)
    best = rows[np.argsort(-scores[rows], kind="stable")][:CANDIDATES]
    ranking = Ranking({int(row): float(scores[row]) for row in best}, fits=scores > UNSEEN)
    return FoundFrames(ranking, tuple(parts), {int(row): int(deviations[:, row].argmax()) for row in best})


def _high(scores: Floats, allowed: NDArray[np.bool_], margin: float) -> tuple[Floats, Floats] | None:
    """The scores (V,) of the allowed videos that are a deviation above the mean, and how many deviations each is.

    UNSEEN for the others. None where no allowed video is `margin` deviations above.
    """
    scored = scores[scores > UNSEEN]
    best = scores[allowed].max(initial=UNSEEN)
    if best == UNSEEN or best < scored.mean() + margin * scored.std():
        return None
    high = allowed & (scores > UNSEEN) & (scores >= scored.mean() + scored.std())
    deviations = (scores - scored.mean()) / max(float(scored.std()), float(TINY))
    return np.where(high, scores, UNSEEN), np.where(high, deviations, UNSEEN)


def save(folder: Path, expert: str, store: Reader, dim: int, keys: Sequence[str]) -> None:
    """Writes the frame vectors of V videos, the rows `keys` of a store, into the index at `folder`."""
    (folder / "frames").mkdir(exist_ok=True)
    starts_s, counts = [np.zeros(0, np.float32)], [np.zeros(1, np.int64)]
    with GrowingArray(folder / "frames" / f"{expert}.npy", (dim,)) as vectors:
        for start in range(0, len(keys), BLOCK_VIDEOS):
            block = keys[start : start + BLOCK_VIDEOS]
            features = store.values(block, dim)
            vectors.append(_unit(features.values))
            starts_s.append(store.times_s(block).values[:, 0])
            counts.append(features.counts)
    offsets = np.cumsum(np.concatenate(counts))
    np.savez(folder / "frames" / f"{expert}.npz", offsets=offsets, starts_s=np.concatenate(starts_s))


def _unit(values: Floats) -> Floats:
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.maximum(length, np.finfo(np.float32).tiny), np.float32)
