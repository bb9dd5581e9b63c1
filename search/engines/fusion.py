"""Fuses the rankings of the engines into one, by weighted reciprocal ranks."""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from search.config import Fusion
from search.engines.fulltext import Matches

CANDIDATES = 1000
"""Number of videos of each engine that take part in the fusion, and of an answer's that can be seen."""


@dataclass(frozen=True)
class Ranking:
    """The videos that one engine found, best first, by their rows in the index."""

    scores: dict[int, float]
    """Row -> score, best first."""
    coverage: Mapping[int, float] | None = None
    """Row -> 0..1, share of the query that the video matches, or of the best score; None: 1 for all."""
    fits: NDArray[np.bool_] | None = None
    """(V,), all that the engine finds good enough, also those that are too many to be ranked; None: the ranked."""
    is_all: bool = True
    """Whether no video was passed over unseen, as an engine does that stops at a number."""

    @property
    def ranks(self) -> dict[int, int]:
        """Row -> rank from 1; equal scores share the best of their ranks."""
        ranks: dict[int, int] = {}
        previous, rank = None, 0
        for number, (row, score) in enumerate(self.scores.items(), 1):
            rank = rank if score == previous else number
            ranks[row], previous = rank, score
        return ranks


def of_matches(matches: Matches, num_videos: int) -> Ranking:
    """The best CANDIDATES of what matches a query in words: by coverage, then by score, then by row.

    So a video with all of the words is above one in which a single word is frequent.
    """
    best = dict(nsmallest(CANDIDATES, matches.items(), lambda item: (-item[1].coverage, -item[1].score, item[0])))
    scores = {row: match.score for row, match in best.items()}
    fits: NDArray[np.bool_] = np.zeros(num_videos, np.bool_)
    fits[list(matches)] = True
    return Ranking(scores, {row: match.coverage for row, match in best.items()}, fits, matches.is_all)


def fuse(rankings: Mapping[str, Ranking], settings: Fusion) -> dict[int, float]:
    """Row -> fused score, best first, then by row.

    The sum over the engines of weight x coverage / (offset + rank).
    """
    totals: dict[int, float] = {}
    for engine, ranking in rankings.items():
        weight = settings.weights.get(engine, 1.0)
        for row, rank in ranking.ranks.items() if weight else ():
            coverage = 1.0 if ranking.coverage is None else ranking.coverage[row]
            totals[row] = totals.get(row, 0.0) + weight * coverage / (settings.offset + rank)
    return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def count(rankings: Mapping[str, Ranking], num_videos: int) -> int:
    """The number of videos that any of the engines finds good enough."""
    fits: NDArray[np.bool_] = np.zeros(num_videos, np.bool_)
    for ranking in rankings.values():
        if ranking.fits is not None:
            fits |= ranking.fits
        fits[list(ranking.scores)] = True
    return int(fits.sum())
