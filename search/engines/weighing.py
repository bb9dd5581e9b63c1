"""How much each engine counts in an answer: as a selector reads it from the rankings of the query, or fixed.

A selector is fitted when an index is built (`search.fitting`), on captions that nothing was trained on, and is in the
index only if it found more with them than the weights of search.yaml. E engines, U videos that any engine found.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from models.fusion.lists import Lists
from models.fusion.selector import Selector
from models.fusion.version import VERSION
from pipeline import plain_data
from pipeline.errors import DamagedError
from pipeline.stores import atomic
from pipeline.stores.fingerprint import Recipe, fingerprint
from search.config import Fusion, SearchConfig
from search.engines.fusion import Ranking

FILE = "selector.json"
"""In an index."""


@dataclass(frozen=True)
class Weighing:
    """The fusion of one answer."""

    fusion: Fusion
    """With a weight for each engine that found something."""
    is_by_query: bool
    """Whether a selector read the weights from the rankings; else they are those of search.yaml."""


@dataclass(frozen=True)
class Weigher:
    """The selector of an index, if it has one."""

    fusion: Fusion
    """Of search.yaml."""
    engines: tuple[str, ...] = ()
    """The E engines that the selector knows, in its order."""
    selector: Selector | None = None

    @classmethod
    def open(cls, folder: Path, settings: SearchConfig) -> "Weigher":
        """The one of the index in `folder`; without a selector where the index has none, or one for other settings."""
        path = folder / FILE
        if not path.is_file():
            return cls(settings.fusion)
        try:
            body = plain_data.parse_json(path.read_text(encoding="utf-8"))
            if body["selector"] is None or body["recipe"] != recipe(settings):
                return cls(settings.fusion)
            return cls(settings.fusion, tuple(body["engines"]), Selector.parse(body["selector"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedError(folder, f"{FILE} cannot be read ({error}); BuildIndex makes it anew") from None

    def weigh(self, rankings: Mapping[str, Ranking], num_videos: int, is_fixed: bool = False) -> Weighing:
        """The weights for what the engines found in a collection of `num_videos`.

        They are fixed where `is_fixed` asks for it, where there is no selector, and where an engine found something
        that the selector does not know.
        """
        fixed = {engine: self.fusion.weights.get(engine, 1.0) for engine in rankings}
        total = sum(fixed.values())
        if is_fixed or self.selector is None or not total or not set(rankings) <= set(self.engines):
            return Weighing(replace(self.fusion, weights=fixed), False)
        lists, _ = lists_of(rankings, self.engines, self.fusion.offset, num_videos)
        base = base_weights(self.engines, self.fusion)
        found = self.selector.weights(lists, base[None])[0] * total
        weights = {engine: float(found[self.engines.index(engine)]) for engine in rankings}
        return Weighing(replace(self.fusion, weights=weights), True)


def base_weights(engines: Sequence[str], fusion: Fusion) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(E,), the weights of search.yaml."""
    return np.array([fusion.weights.get(engine, 1.0) for engine in engines], np.float64)


def lists_of(
    rankings: Mapping[str, Ranking], engines: Sequence[str], offset: float, num_videos: int
) -> tuple[Lists, list[int]]:
    """The rankings of one query as (1, E, U) lists, with the votes that `fuse` counts, and the rows of the U videos."""
    rows = sorted({row for ranking in rankings.values() for row in ranking.scores})
    place = {row: at for at, row in enumerate(rows)}
    scores = np.full((1, len(engines), max(1, len(rows))), np.nan, np.float32)
    votes = np.zeros_like(scores)
    for index, engine in enumerate(engines):
        ranking = rankings.get(engine, Ranking({}))
        for row, rank in ranking.ranks.items():
            coverage = 1.0 if ranking.coverage is None else ranking.coverage[row]
            scores[0, index, place[row]] = ranking.scores[row]
            votes[0, index, place[row]] = coverage / (offset + rank)
    return Lists(scores, votes, max(num_videos, len(rows), 1), averaged=False), rows


def recipe(settings: SearchConfig) -> Recipe:
    """What of search.yaml decides what the engines find, and so a selector; with its version."""
    plain: Recipe = {"version": VERSION, "stop_words": fingerprint({"words": sorted(settings.stop_words)})}
    for name in ("fusion", "floors", "label_words"):
        plain[name] = asdict(getattr(settings, name))
    return plain


def is_of(settings: SearchConfig, index: Recipe) -> bool:
    """Whether the index with this recipe is of these settings, and its selector, if it was to have one."""
    return index["settings"] == asdict(settings.index) and index.get("selector") in (None, recipe(settings))


def save(
    folder: Path, settings: SearchConfig, engines: Sequence[str], selector: Selector | None, facts: Mapping[str, Any]
) -> None:
    """Writes the selector of an index, or that there is none; `facts`: what its fitting found."""
    body = {
        "recipe": recipe(settings),
        "engines": list(engines),
        "facts": dict(facts),
        "selector": selector.plain() if selector else None,
    }
    atomic.write_text(folder / FILE, json.dumps(body, indent=1))
