"""Searches by the trained experts: embeds queries, ranks videos by similarity, and finds the best moment of a video."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.weights.files import WeightOptions
from search.engines import minus
from search.engines.aligned_texts import AlignedTexts
from search.engines.fusion import CANDIDATES, Ranking
from search.engines.peaks import Peak, peaks
from search.engines.text_encoders import TextEncoders
from search.index import vectors
from search.index.folder import MODEL, Facts
from search.index.vectors import MOMENT_TIMES, MOMENTS, UNSEEN, VIDEOS, Query, Vectors

if TYPE_CHECKING:
    from models.networks.text_side import TextSide
    from search.engines.approximate import Approximate

CALIBRATION = "calibration.npy"
"""File with the highest score in the collection of each of some validation captions."""

MOST_EXACT = 50_000
"""Up to this many videos, after filters, all are scored exactly."""


@dataclass(frozen=True)
class Scored:
    """The N videos that were scored exactly."""

    rows: NDArray[np.int64]
    """(N,), in any order."""
    scores: NDArray[np.float32]
    """(N,)"""
    is_all: bool
    """Whether these are all that were allowed."""

    @property
    def highest(self) -> float:
        """The best score; UNSEEN when there is no video."""
        return float(self.scores.max(initial=UNSEEN))

    def best(self, count: int) -> dict[int, float]:
        """Row -> score of the `count` best videos, best first."""
        rows, scores = self.rows, self.scores
        if len(rows) > count:
            kept = np.argpartition(-scores, count)[:count]
            rows, scores = rows[kept], scores[kept]
        order = np.lexsort((rows, -scores))
        return dict(zip(rows[order].tolist(), scores[order].tolist(), strict=True))

    def ranking(self, floor: float, num_videos: int) -> Ranking:
        """The best of the videos whose score is at least `floor`, of a collection of `num_videos`."""
        fits: NDArray[np.bool_] = np.zeros(num_videos, np.bool_)
        fits[self.rows[self.scores >= floor]] = True
        found = {row: score for row, score in self.best(CANDIDATES).items() if score >= floor}
        return Ranking(found, fits=fits, is_all=self.is_all)


class Experts:
    """The trained experts of the index in `folder`; `weights`: those of the text encoder.

    Of the network the text side alone is loaded, at the first query: what it makes of the videos is in the index.
    """

    def __init__(self, folder: Path, facts: Facts, weights: WeightOptions) -> None:
        self._folder, self.facts = folder, facts
        self._encoders = TextEncoders(folder, facts, weights)

    @cached_property
    def videos(self) -> Vectors:
        """The embeddings of the V videos."""
        return vectors.load(self._folder / VIDEOS, self.names)

    @cached_property
    def moments(self) -> Vectors:
        """The embeddings of the M moments."""
        return vectors.load(self._folder / MOMENTS, self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The experts, in the model's order."""
        return self._text_side.names

    def query(
        self, text: str, weights: Mapping[str, float] = MappingProxyType({}), unwanted: Sequence[str] = ()
    ) -> Query:
        """The embedding of a text, less those of `unwanted` ones; `weights` (default 1) multiply its weights."""
        query, away = self._embedded(text), [self._embedded(one).vectors for one in unwanted]
        is_unit = not self._text_side.aligned
        left = tuple(minus.less(own, [one[at] for one in away], is_unit) for at, own in enumerate(query.vectors))
        return Query(left, query.weights, query.counted).weighted(self._factors(weights))

    def _embedded(self, text: str) -> Query:
        aligned = self._text_side.aligned
        frozen = AlignedTexts(self._folder, self._encoders).of(aligned, text) if aligned else {}
        tokens = self._encoders.encode(self.facts.text, text)
        embedded = self._text_side.embed(tokens, {name: vector[0] for name, vector in frozen.items()})
        return Query(embedded.vectors, embedded.weights, embedded.counted)

    def similar(self, row: int, weights: Mapping[str, float]) -> Query:
        """The video at `row` as a query, to find similar ones."""
        return self.videos.query(row).weighted(self._factors(weights))

    def scored(self, query: Query, allowed: NDArray[np.bool_], count: int = CANDIDATES) -> "Scored":
        """Scores of the videos that are `allowed` (V,); of very many only those among which the `count` best are."""
        rows = np.flatnonzero(allowed)
        is_all = self._approximate is None or len(rows) <= MOST_EXACT
        if self._approximate is not None and not is_all:
            rows = self._approximate.candidates(query, count, allowed)
        is_whole = len(rows) == len(self.videos)
        return Scored(rows, self.videos.scores(query) if is_whole else self.videos.scores_of(query, rows), is_all)

    @cached_property
    def _approximate(self) -> "Approximate | None":
        from search.engines.approximate import Approximate

        folder = self._folder / "approximate"
        return Approximate(folder) if folder.is_dir() else None

    def best_second(self, query: Query, row: int) -> float:
        """Start of the moment of the video that matches the query best; 0 when it has no moments."""
        starts, offsets = self._moment_times
        rows = np.arange(offsets[row], offsets[row + 1])
        if not len(rows):
            return 0.0
        return float(starts[rows[int(self.moments.scores_of(query, rows).argmax())]])

    def moments_of(self, query: Query, row: int, moment_s: float) -> dict[str, list[Peak]]:
        """Expert -> where its contribution to the similarity of the video's moments, `moment_s` long, stands out."""
        starts, offsets = self._moment_times
        span = slice(int(offsets[row]), int(offsets[row + 1]))
        starts, present = starts[span], self.moments.present[span]
        found = {}
        for name, has, shares in zip(self.names, present.T, self.moments.shares_of(query, span).T, strict=True):
            found[name] = peaks(starts[has], starts[has] + moment_s, shares[has])
        return found

    def floor(self, percentile: float, otherwise: float) -> float:
        """This percentile of the best scores of validation captions; `otherwise` when there are none."""
        best_scores = self._calibration
        return float(np.percentile(best_scores, percentile)) if len(best_scores) else otherwise

    @cached_property
    def _calibration(self) -> NDArray[np.float32]:
        best_scores: NDArray[np.float32] = np.load(self._folder / CALIBRATION)
        return best_scores

    def _factors(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        return np.array([weights.get(name, 1.0) for name in self.names], np.float32)

    @cached_property
    def _moment_times(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """((M,) start times, (V + 1,) offsets by video)"""
        with np.load(self._folder / MOMENT_TIMES) as arrays:
            return arrays["starts_s"], arrays["offsets"]

    @cached_property
    def _text_side(self) -> "TextSide":
        from models.training.checkpoint_file import load_text_side

        return load_text_side(self._folder / MODEL)
