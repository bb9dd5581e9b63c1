"""Fits a selector, and decides by nested cross-validation whether it is used.

The outer folds measure what the inner ones never saw: for each, the selector is fitted and its settings are chosen on
the other folds alone. It is used only where the 95 % interval of its gain over the base weights lies above 0; so where
the score lists tell nothing, the base weights stay, exactly. Queries of one video are in one fold and are drawn
together. Q queries, E engines.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.bootstrap import interval
from models.fusion.lists import Examples
from models.fusion.selector import Selector, Settings, alone, blended, ridges
from models.fusion.shape import shape

FOLDS = 5
SEED = 0
FEWEST = 60
"""Queries; of fewer nothing is learned."""
PENALTIES = (0.03, 0.3)
SHARES = (0.35, 0.7, 1.0)
TEMPERATURES = (0.05, 0.12, 0.3)
GRID = [Settings(p, s, t) for p in PENALTIES for s in SHARES for t in TEMPERATURES]


@dataclass(frozen=True)
class Gain:
    """By how much 1 / rank of the right video is above that with the base weights, in the mean over the queries."""

    mean: float
    low: float
    high: float
    """`low` and `high` bound the 95 % confidence interval."""
    queries: int


@dataclass(frozen=True)
class Fitted:
    """What the cross-validation found."""

    selector: Selector | None
    """None: the base weights are kept as they are."""
    gain: Gain | None
    """None where there were too few queries."""

    def facts(self) -> dict[str, Any]:
        """Whether it is used, and its gain in the cross-validation, as plain JSON."""
        return {"used": self.selector is not None, "gain": asdict(self.gain) if self.gain else None}


def fit(examples: Examples) -> Fitted:
    """The selector of these queries, and None in its place where its gain is not above 0. Deterministic."""
    videos = np.unique(examples.owners)
    if len(examples) < FEWEST or len(videos) < 2 * FOLDS:
        return Fitted(None, None)
    prepared = _Prepared.of(examples)
    by_base = examples.found(examples.base)
    gained = np.zeros(len(examples))
    everything = np.arange(len(examples))
    for inside, outside in _folds(examples.owners, everything):
        weights = prepared.weights(inside, outside, _chosen(prepared, inside))
        gained[outside] = examples.take(outside).found(weights) - by_base[outside]
    low, high = interval(gained, np.searchsorted(videos, examples.owners), len(videos))
    gain = Gain(float(gained.mean()), low, high, len(examples))
    if low <= 0:
        return Fitted(None, gain)
    settings = _chosen(prepared, everything)
    ridge = ridges(prepared.features, prepared.targets, [settings.penalty])[settings.penalty]
    return Fitted(Selector(ridge, settings), gain)


@dataclass(frozen=True)
class _Prepared:
    """What all folds read of the examples."""

    examples: Examples
    features: NDArray[np.float64]
    targets: NDArray[np.float64]

    @classmethod
    def of(cls, examples: Examples) -> "_Prepared":
        return cls(examples, shape(examples.lists), alone(examples))

    def weights(self, inside: NDArray[np.intp], outside: NDArray[np.intp], settings: Settings) -> NDArray[np.float64]:
        """Weights of the queries `outside`, by a selector that is fitted on those `inside`."""
        ridge = ridges(self.features[inside], self.targets[inside], [settings.penalty])[settings.penalty]
        return self.blended(outside, ridge.predict(self.features[outside]), settings)

    def blended(
        self, rows: NDArray[np.intp], predictions: NDArray[np.float64], settings: Settings
    ) -> NDArray[np.float64]:
        return blended(predictions, self.examples.base[rows], self.examples.lists.has_list[rows], settings)


def _chosen(prepared: _Prepared, rows: NDArray[np.intp]) -> Settings:
    """The settings that find most in a cross-validation over these queries; the first of equal ones."""
    totals = np.zeros(len(GRID))
    for inside, outside in _folds(prepared.examples.owners, rows):
        fitted = ridges(prepared.features[inside], prepared.targets[inside], PENALTIES)
        predicted = {penalty: ridge.predict(prepared.features[outside]) for penalty, ridge in fitted.items()}
        held = prepared.examples.take(outside)
        for index, settings in enumerate(GRID):
            weights = prepared.blended(outside, predicted[settings.penalty], settings)
            totals[index] += held.found(weights).sum()
    return GRID[int(np.argmax(totals))]


def _folds(owners: NDArray[np.int64], rows: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """FOLDS times: rows to fit on, and the held-out ones; all queries of a video are on one side."""
    videos = np.unique(owners[rows])
    shuffled = np.random.default_rng(SEED).permutation(len(videos)) % FOLDS
    fold = shuffled[np.searchsorted(videos, owners[rows])]
    for number in range(FOLDS):
        yield rows[fold != number], rows[fold == number]
