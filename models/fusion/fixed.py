"""The best fixed fusion of engines: the same weights for all queries, and the even ones where no others are better.

Weights are sought uphill. Whether they are used is measured on queries that did not choose them: on each half of the
videos with the weights of the other half. Q queries, E engines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.evaluation.bootstrap import interval
from models.fusion.lists import Examples, Lists
from models.inputs.aligned import Aligned, Calibration, spread

FACTORS = (0.1, 0.5, 2.0)
"""By which the weight of an engine is changed, in search of better ones."""
LEAST = 0.001
"""Of the highest weight; below that nothing changes, and a video that only this engine knows still has a score."""
FEWEST = 20
"""Videos; of fewer the even weights stay."""


@dataclass(frozen=True)
class Start:
    """The untrained fusion of experts that are aligned with text, by a training split."""

    calibrations: dict[str, Calibration]
    weights: dict[str, float]
    """Of each expert; they sum to 1."""

    @classmethod
    def of(cls, pairs: Mapping[str, Aligned], caption_video: NDArray[np.int64]) -> "Start":
        """That of a split; `caption_video` (C,): the video of each caption."""
        calibrations = {name: Calibration.of(pair, caption_video) for name, pair in pairs.items()}
        weights = fixed_weights(_examples(pairs, calibrations, caption_video))
        return cls(calibrations, dict(zip(pairs, weights.tolist(), strict=True)))

    @property
    def is_even(self) -> bool:
        """Whether all weights are equal."""
        return len(set(self.weights.values())) == 1

    def even(self) -> "Start":
        """The same with equal weights."""
        return replace(self, weights=dict.fromkeys(self.weights, 1 / len(self.weights)))


def fixed_weights(examples: Examples) -> NDArray[np.float64]:
    """(E,) of sum 1: the best fixed weights, or even ones where the 95 % interval of their gain is not above 0."""
    engines, videos = examples.base.shape[1], np.unique(examples.owners)
    even = np.full(engines, 1 / engines)
    if engines < 2 or len(videos) < FEWEST:
        return even
    place = np.searchsorted(videos, examples.owners)
    gained = np.zeros(len(examples))
    for half in (0, 1):
        inside, outside = np.flatnonzero(place % 2 == half), np.flatnonzero(place % 2 != half)
        held, weights = examples.take(outside), best_fixed(examples.take(inside))
        gained[outside] = held.found(tiled(weights, held)) - held.found(tiled(even, held))
    return best_fixed(examples) if interval(gained, place, len(videos))[0] > 0 else even


def best_fixed(examples: Examples) -> NDArray[np.float64]:
    """(E,) of sum 1: those that find most, uphill from even weights and from each engine nearly alone."""
    engines = examples.base.shape[1]
    starts = [np.ones(engines), *(np.eye(engines) * 0.9 + 0.1)]
    climbed = [_climb(examples, start) for start in starts]
    best = max(climbed, key=lambda weights: _value(examples, weights))
    return np.asarray(best / best.sum(), np.float64)


def tiled(weights: NDArray[np.float64], examples: Examples) -> NDArray[np.float64]:
    """(Q, E), the same weights for each query."""
    return np.repeat(weights[None], len(examples), 0)


def _value(examples: Examples, weights: NDArray[np.float64]) -> float:
    return float(examples.found(tiled(weights, examples)).mean())


def _climb(examples: Examples, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Changes one weight after another as long as that finds more."""
    best, improved = _value(examples, weights), True
    while improved:
        improved = False
        for at in range(len(weights)):
            for factor in FACTORS:
                changed = weights.copy()
                changed[at] *= factor
                if changed[at] >= LEAST * changed.max() and (found := _value(examples, changed)) > best + 1e-9:
                    weights, best, improved = changed, found, True
    return weights


def _examples(
    pairs: Mapping[str, Aligned], calibrations: Mapping[str, Calibration], caption_video: NDArray[np.int64]
) -> Examples:
    """Captions with their videos, of a large split some, spread evenly."""
    with_captions = np.unique(caption_video)
    kept = with_captions[spread(len(with_captions))]
    rows = np.flatnonzero(np.isin(caption_video, kept))
    rows = rows[spread(len(rows))]
    chosen = {
        name: replace(pair, videos=pair.videos[kept], texts=pair.texts[rows], present=pair.present[kept])
        for name, pair in pairs.items()
    }
    found = np.stack([pair.scores(calibrations[name]) for name, pair in chosen.items()], 1)
    lists = Lists(found, found, len(kept), averaged=True)
    right = np.searchsorted(kept, caption_video[rows])
    known = ~lists.unknown[np.arange(len(rows)), right]
    even = np.ones((len(rows), len(pairs)))
    return Examples(lists, even, np.where(known, right, -1), caption_video[rows])
