"""A map of a collection: its videos in a plane, those near to each other whose vectors of one expert are."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.stores import atomic
from search.collection import Collection
from search.index.overview import read_vectors
from search.pages.media_workers import MAPS

MOST_TSNE = 2000
"""Of more videos PCA alone makes the map: t-SNE would take minutes."""
FEWEST_TSNE = 10
NUM_COMPONENTS, PERPLEXITY, SEED = 50, 30.0, 0
VERSION = 1
"""To be raised when the same vectors give another map."""


@dataclass(frozen=True)
class Dot:
    """A video on a map."""

    key: str
    video_id: str
    x: float
    """0..1, from the left."""
    y: float
    """0..1, from the top."""
    second: float
    """Of its still."""
    clip_of: str = ""
    start_s: float = 0.0
    """As of an entry of the index."""


@dataclass(frozen=True)
class Map:
    """A map by one expert."""

    expert: str
    how: str
    """How it was made, in words."""
    num_videos: int
    """Videos with features of the expert; the map may show fewer."""
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Projection:
    """A job: the places of the vectors of an expert in the index at `folder`, kept in `cache` where there is one."""

    folder: Path
    expert: str
    cache: Path | None

    def __call__(self) -> tuple[list[int], list[list[float]], str]:
        """Rows of the index, their (x, y) in 0..1, and how they were found. DecodeError without vectors."""
        name = hashlib.sha256(
            f"{VERSION} {self.folder.parent.name} {self.folder.name} {self.expert}".encode()
        ).hexdigest()
        kept = self.cache / f"{name[:24]}.json" if self.cache else None
        if kept is not None and kept.is_file():
            try:
                rows, places, how = json.loads(kept.read_text(encoding="utf-8"))
                return rows, places, how
            except ValueError:
                kept.unlink(missing_ok=True)
        found = read_vectors(self.folder, self.expert)
        if found is None:
            raise DecodeError("The index has no vectors of this expert for a map; run BuildIndex again")
        rows, (places, how) = found[0].tolist(), placed(found[1])
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(kept, json.dumps([rows, places.round(4).tolist(), how]))
        return rows, places.round(4).tolist(), how


def placed(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], str]:
    """(K, 2) places in 0..1 of K vectors (K, D), and how they were found; the same vectors give the same places."""
    from sklearn.decomposition import PCA

    count = len(vectors)
    num = min(NUM_COMPONENTS, count, vectors.shape[1])
    if count == 0 or num == 0 or np.ptp(vectors, axis=0).max() == 0:
        return np.full((count, 2), 0.5), "all of them are alike"
    reduced = PCA(num, svd_solver="full" if count <= MOST_TSNE else "auto", random_state=SEED).fit_transform(vectors)
    how = "the two directions in which the videos differ most (PCA)"
    if FEWEST_TSNE <= count <= MOST_TSNE:
        from sklearn.manifold import TSNE

        perplexity = min(PERPLEXITY, (count - 1) / 3)
        reduced = TSNE(2, perplexity=perplexity, init="pca", random_state=SEED).fit_transform(reduced)
        how = f"t-SNE, perplexity {perplexity:g}: near videos are alike, distances between groups mean little"
    flat = np.zeros((count, 2))
    flat[:, : min(2, reduced.shape[1])] = reduced[:, :2]
    low, span = flat.min(axis=0), np.ptp(flat, axis=0).max()
    # One scale for both directions; what is narrower lies in the middle.
    return (flat - low) / max(float(span), 1e-12) + (1 - np.ptp(flat, axis=0) / max(float(span), 1e-12)) / 2, how


def map_of(collection: Collection, expert: str, cache: Path | None) -> Map:
    """The map of a collection by an expert; DecodeError where there is none."""
    rows, places, how = MAPS.run(Projection(collection.folder, expert, cache))
    entries = collection.videos.some(rows)
    dots = tuple(
        Dot(entry.key, entry.video_id, x, y, round(entry.duration_s / 2, 1), entry.clip_of, entry.start_s)
        for entry, (x, y) in zip(entries, places, strict=True)
    )
    return Map(expert, how, collection.facts.seen[expert], dots)
