"""The selector: how far each engine can be trusted for a query, read from the shape of its score lists.

A ridge regression predicts for each engine 1 / rank of the right video in the engine's own list. The weights are

    (1 - share) x base weights + share x softmax over the engines of (prediction / temperature),

both of sum 1, over the engines that say anything for the query. Q queries, E engines, F features.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fusion.lists import Examples, Lists
from models.fusion.shape import shape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """How the weights follow from the predictions."""

    penalty: float
    """Of the ridge regression, for each query."""
    share: float
    """Of the predictions in the weights, 0..1."""
    temperature: float
    """Smaller: the best engine takes all."""


@dataclass(frozen=True)
class Ridge:
    """A linear regression of E targets with a penalty on all but the intercepts."""

    mean: Array
    """(F,)"""
    scale: Array
    """(F,)"""
    coefficients: Array
    """(F, E)"""
    intercepts: Array
    """(E,)"""

    def predict(self, features: Array) -> Array:
        """(Q, E) from (Q, F)"""
        return np.asarray((features - self.mean) / self.scale @ self.coefficients + self.intercepts, np.float64)


def ridges(features: Array, targets: Array, penalties: Iterable[float]) -> dict[float, Ridge]:
    """Penalty for each query -> the ridge regression in closed form, from features (Q, F) to targets (Q, E)."""
    mean, scale = features.mean(0), features.std(0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    standard, intercepts = (features - mean) / scale, targets.mean(0)
    values, vectors = np.linalg.eigh(standard.T @ standard)
    turned = vectors.T @ (standard.T @ (targets - intercepts))
    found = {}
    for penalty in penalties:
        coefficients = vectors @ (turned / (np.maximum(values, 0) + penalty * len(features))[:, None])
        found[penalty] = Ridge(mean, scale, coefficients, intercepts)
    return found


def alone(examples: Examples) -> Array:
    """(Q, E): 1 / rank of the right video by each engine alone; 0 where the engine does not know it."""
    columns = []
    for engine in range(examples.base.shape[1]):
        only = np.zeros_like(examples.base)
        only[:, engine] = 1
        known = examples.right >= 0
        place = np.maximum(examples.right, 0)
        known &= examples.lists.present[np.arange(len(examples)), engine, place]
        columns.append(np.where(known, examples.found(only), 0.0))
    return np.stack(columns, 1)


def blended(predictions: Array, base: Array, has_list: NDArray[np.bool_], settings: Settings) -> Array:
    """(Q, E) weights of sum 1 from predictions (Q, E); of sum 0 where no engine says anything."""
    reduced = np.where(has_list, predictions / settings.temperature, -np.inf)
    highest = reduced.max(1, keepdims=True, initial=-1e300)
    chosen = np.exp(reduced - highest)
    return (1 - settings.share) * _unit(np.where(has_list, base, 0.0)) + settings.share * _unit(chosen)


def _unit(weights: Array) -> Array:
    return np.asarray(weights / np.maximum(weights.sum(1, keepdims=True), 1e-300), np.float64)


@dataclass(frozen=True)
class Selector:
    """A fitted selector."""

    ridge: Ridge
    settings: Settings

    def weights(self, lists: Lists, base: Array) -> Array:
        """(Q, E) weights of the engines for each query; `base` (Q, E): those without a selector."""
        return blended(self.ridge.predict(shape(lists)), base, lists.has_list, self.settings)

    def plain(self) -> dict[str, Any]:
        """All of it as plain JSON, for `parse`."""
        numbers = {name: value.tolist() for name, value in vars(self.ridge).items()}
        return {"ridge": numbers, "settings": dict(vars(self.settings))}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> "Selector":
        """The selector from what `plain` gave."""
        numbers = {name: np.array(value, np.float64) for name, value in plain["ridge"].items()}
        return cls(Ridge(**numbers), Settings(**plain["settings"]))
