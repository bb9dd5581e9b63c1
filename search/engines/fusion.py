"""Several rankings as one: each engine gives a video its weight, times how well it fits, over its place."""

from collections.abc import Mapping
from dataclasses import dataclass

from search.config import Fusion


@dataclass(frozen=True)
class Ranking:
    """The videos that one engine found, best first; rows of the index."""

    scores: dict[int, float]
    """Row -> score, in order."""
    fits: Mapping[int, float] | None = None
    """Row -> 0..1, how much of the query it answers; None: all of it."""

    @property
    def ranks(self) -> dict[int, int]:
        """Row -> place from 1; equal scores share the first of their places."""
        places: dict[int, int] = {}
        before, place = None, 0
        for number, (row, score) in enumerate(self.scores.items(), 1):
            place = place if score == before else number
            places[row], before = place, score
        return places


def fuse(rankings: Mapping[str, Ranking], settings: Fusion) -> dict[int, float]:
    """Row -> fused score, best first; of equal ones the lower row first."""
    totals: dict[int, float] = {}
    for engine, ranking in rankings.items():
        weight = settings.weights.get(engine, 1.0)
        for row, place in ranking.ranks.items() if weight else ():
            fit = 1.0 if ranking.fits is None else ranking.fits[row]
            totals[row] = totals.get(row, 0.0) + weight * fit / (settings.offset + place)
    return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))
