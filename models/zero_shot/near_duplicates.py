"""Finds videos of a dataset whose features are almost the same, within a split and across splits.

A video is the mean of its rows, of length 1. V videos are compared block by block, so that memory does not grow with
the number of pairs; the vectors lie in a file, so that it does not grow with V either. D length of a vector.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.inputs.load import Sources
from models.zero_shot.aligned import mean_vectors
from pipeline.datasets.manifest import Video
from pipeline.datasets.near_duplicates import NearDuplicates
from pipeline.datasets.splits import SPLITS
from pipeline.stores.parts import Reader

BLOCK = 1024
"""Videos that are read, and compared with as many others, at a time."""
MOST_PAIRS = 100
"""Pairs that are listed, those across splits first, and of these the most alike."""
ROUNDING = 1e-6
"""By which the cosine of two equal vectors may be below 1."""


@dataclass
class Found:
    """The pairs of near-duplicates among V videos that were found so far."""

    splits: NDArray[np.int64]
    """(V,), the place in SPLITS of the split of each."""
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(SPLITS), len(SPLITS)), np.int64))
    """Numbers of pairs by their splits, the first of which is not behind the second."""
    trained: set[int] = field(default_factory=set)
    """Videos of other splits that have a near-duplicate in the training split, which is the first one."""
    best: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    """(at most MOST_PAIRS, 4): whether it is across splits, cosine, and both videos."""

    def add(self, first: int, second: int, cosines: NDArray[np.float32], threshold: float) -> None:
        """Adds the pairs of a block of `cosines`, whose first row and column are of the videos at these places."""
        rows, columns = np.nonzero(cosines >= threshold - ROUNDING)
        found = cosines[rows, columns].astype(np.float64)
        keep = rows + first < columns + second  # each pair once, and no video with itself
        one, other, found = rows[keep] + first, columns[keep] + second, found[keep]
        of_one, of_other = self.splits[one], self.splits[other]
        low, high = np.minimum(of_one, of_other), np.maximum(of_one, of_other)
        self.counts += np.bincount(low * len(SPLITS) + high, minlength=self.counts.size).reshape(self.counts.shape)
        self.trained |= set(np.where(of_one == 0, other, one)[(low == 0) & (high > 0)].tolist())
        pairs = np.concatenate([self.best, np.stack([low != high, found, one, other], 1)])
        order = np.lexsort((pairs[:, 3], pairs[:, 2], -pairs[:, 1], -pairs[:, 0]))[:MOST_PAIRS]
        self.best = pairs[order]


def near_duplicates(sources: Sources, settings: NearDuplicates) -> dict[str, Any]:
    """The pairs of videos of all splits whose cosine is at least the threshold, as plain JSON.

    `videos`: split -> number of those compared, which are those that the expert saw something of. `within`, `across`:
    split, or two with a comma between, -> number of pairs. `in_train`: split -> number of its videos that have a
    near-duplicate in the training split. `pairs`: the first MOST_PAIRS, and `more`: how many there are beside.
    """
    videos = [one for one in sources.manifest.videos if one.split in SPLITS and one.captions and one.is_usable]
    with tempfile.TemporaryFile() as file:
        vectors, seen = _vectors(sources, settings.expert, videos, file)
        found = Found(np.array([SPLITS.index(videos[place].split) for place in seen], np.int64))
        for first, block in _blocks(vectors):
            for second, other in _blocks(vectors, first):
                found.add(first, second, block @ other.T, settings.threshold)
    counts = {
        (one, other): int(found.counts[place, behind])
        for place, one in enumerate(SPLITS)
        for behind, other in enumerate(SPLITS)
        if found.counts[place, behind]
    }
    trained = Counter(SPLITS[found.splits[place]] for place in found.trained)
    return {
        "expert": settings.expert,
        "threshold": settings.threshold,
        "videos": {split: int((found.splits == place).sum()) for place, split in enumerate(SPLITS)},
        "within": {one: number for (one, other), number in counts.items() if one == other},
        "across": {f"{one}, {other}": number for (one, other), number in counts.items() if one != other},
        "in_train": {split: trained[split] for split in SPLITS if trained[split]},
        "pairs": [_pair(cosine, [videos[seen[int(place)]] for place in places]) for _, cosine, *places in found.best],
        "more": sum(counts.values()) - len(found.best),
    }


def _pair(cosine: float, videos: list[Video]) -> dict[str, Any]:
    names, splits = [video.video_id for video in videos], [video.split for video in videos]
    return {"videos": names, "splits": splits, "cosine": round(min(float(cosine), 1.0), 6)}


def _vectors(sources: Sources, expert: str, videos: list[Video], file: Any) -> tuple[NDArray[np.float32], list[int]]:
    """(V, D) vectors in the `file`, and the places of their videos: those of which the expert saw something."""
    dim = next(one.dim for one in sources.experts if one.name == expert)
    reader, seen = Reader(sources.stores[expert]), list[int]()
    for start in range(0, len(videos), BLOCK):
        means = mean_vectors(reader.values([sources.key(expert, one) for one in videos[start : start + BLOCK]], dim))
        present = np.flatnonzero(np.isfinite(means).all(1) & (means != 0).any(1))
        file.write(np.ascontiguousarray(means[present], np.float32).tobytes())
        seen += (present + start).tolist()
    file.flush()
    if not seen:
        return np.zeros((0, dim), np.float32), seen
    return np.memmap(file, np.float32, "r", shape=(len(seen), dim)), seen


def _blocks(vectors: NDArray[np.float32], first: int = 0) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(place of the first vector, vectors) of each block from `first` on."""
    return ((start, np.asarray(vectors[start : start + BLOCK])) for start in range(first, len(vectors), BLOCK))
