"""Compares an example with the videos of an index: by each expert that has features of it, and all of these together.

The score of a video is the weighted mean over the experts of `search.index.features.Features.scores`, a cosine of
features without the mean of the collection. V videos, n vectors of an example, D feature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.engines.example_experts import Example
from search.engines.fusion import CANDIDATES, Ranking
from search.engines.peaks import Moment, peaks
from search.index.features import Features
from search.index.folder import Facts
from search.index.vectors import Floats

LEAST, KEEP = 0.05, 0.25
"""Score, and share of the best score, below which nothing is alike: the scores of unrelated videos are near 0."""
LEAST_MOMENT = 0.2
"""Cosine below which a moment is not alike."""


@dataclass(frozen=True)
class FoundExample:
    """What was found for an example."""

    ranking: Ranking
    units: Mapping[str, Floats]
    """Expert that answered -> the example's vectors (n, D) without the mean of the collection, of length 1."""
    parts: Mapping[str, Floats]
    """Expert that answered -> (V,), what it adds to the score of each video."""
    features: Mapping[str, Features]

    def shares(self, row: int) -> dict[str, float | None]:
        """Expert -> what it adds to the score of a video; None for one that saw nothing of the video."""
        return {
            name: float(part[row]) if self.features[name].span(row).stop > self.features[name].span(row).start else None
            for name, part in self.parts.items()
        }

    def moments(self, row: int, duration_s: float, engine: str) -> tuple[Moment, ...]:
        """Where in a video of this length it is like the example, by each expert; sorted by expert and time."""
        found = []
        for expert in sorted(self.units):
            index = self.features[expert]
            (starts_s, ends_s), scores = index.times_s[index.span(row)].T, index.nearest(self.units[expert], row)
            for peak in peaks(starts_s, ends_s, scores, LEAST_MOMENT):
                end_s = max(peak.start_s, min(peak.end_s, duration_s))
                found.append(Moment(engine, expert, peak.start_s, end_s, peak.score))
        return tuple(found)

    def best_second(self, row: int) -> float:
        """Start of what is most like the example in a video, by the expert that adds most."""
        given = {name: share for name, share in self.shares(row).items() if share is not None}
        best = max(given, key=lambda name: given[name], default="")
        return self.features[best].best_second(self.units[best], row) if best else 0.0


class Examples:
    """The vectors of all experts in the index at `folder`."""

    def __init__(self, folder: Path, facts: Facts) -> None:
        self.features = {name: Features(folder, name) for name in facts.compared}

    def moment(self, row: int, second: float, name: str) -> Example:
        """A second of a video as an example, by all experts that saw something of the video."""
        found = {one: its.at(row, second) for one, its in self.features.items()}
        return Example(name, {one: vectors for one, vectors in found.items() if len(vectors)})

    def find(self, example: Example, allowed: NDArray[np.bool_], weights: Mapping[str, float]) -> FoundExample:
        """The at most CANDIDATES best of the `allowed` videos (V,); `weights`: by expert, default 1, 0: not it."""
        factors = {name: weights.get(name, 1.0) for name in example.features if name in self.features}
        factors = {name: factor for name, factor in factors.items() if factor > 0}
        total = sum(factors.values())
        units = {name: self.features[name].scale.unit(example.features[name]) for name in factors}
        parts = {
            name: np.asarray(self.features[name].scores(units[name]) * (factor / total), np.float32)
            for name, factor in factors.items()
        }
        scores = np.sum(list(parts.values()), axis=0) if parts else np.zeros(len(allowed), np.float32)
        floor = max(LEAST, KEEP * float(scores.max(initial=0.0, where=allowed)))
        alike = allowed & (scores >= floor)
        rows = np.flatnonzero(alike)
        best = rows[np.argsort(-scores[rows], kind="stable")][:CANDIDATES]
        ranking = Ranking({int(row): float(scores[row]) for row in best}, fits=alike)
        return FoundExample(ranking, units, parts, self.features)
