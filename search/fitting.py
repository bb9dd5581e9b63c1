"""Fits the selector of an index that is being built: on what its engines find for captions with a known video."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.fusion.lists import Examples, Lists
from models.fusion.nested import FEWEST, fit
from pipeline.running.cpu import on_one_thread
from pipeline.weights.files import WeightOptions
from search.collection import Collection
from search.config import SearchConfig
from search.engines import weighing
from search.engines.fusion import Ranking

MOST_CAPTIONS = 200
"""Spread evenly over those of the validation split."""
KEPT_WORDS = 256
"""Of the captions, whose documents are looked up once: most words of captions are in several."""
BLOCK_VIDEOS = 500
"""Read by one query of the videos' file."""


@dataclass(frozen=True)
class Asked:
    """A caption that was asked for."""

    row: int
    """Of its video."""
    rankings: Mapping[str, Ranking]
    """What the engines found."""


def write(folder: Path, settings: SearchConfig, weights: WeightOptions) -> None:
    """Fits the selector of the index in `folder`, and writes it there; nothing where there are too few captions."""
    collection = Collection(folder, folder, settings, weights)
    captions = _captions(collection)
    if len(captions) < FEWEST:
        return
    collection.words.remember(KEPT_WORDS)
    with on_one_thread():
        asked = [Asked(row, collection.rankings(caption)) for row, caption in captions]
    engines = sorted({engine for one in asked for engine in one.rankings})
    fitted = fit(examples(asked, engines, settings, len(collection.videos)))
    weighing.save(folder, settings, engines, fitted.selector, fitted.facts())


def _captions(collection: Collection) -> list[tuple[int, str]]:
    """(row, caption) of at most MOST_CAPTIONS captions that no network was trained on; never of the test split."""
    splits = [b"val"] if collection.facts.is_trained else [b"train", b"val"]
    rows = np.flatnonzero(np.isin(collection.videos.splits, splits)).tolist()
    blocks = (rows[start : start + BLOCK_VIDEOS] for start in range(0, len(rows), BLOCK_VIDEOS))
    several = (
        (row, entry) for block in blocks for row, entry in zip(block, collection.videos.some(block), strict=True)
    )
    found = [(row, caption) for row, entry in several for caption in entry.captions]
    return found[:: -(-len(found) // MOST_CAPTIONS)] if found else []


def examples(asked: Sequence[Asked], engines: Sequence[str], settings: SearchConfig, num_videos: int) -> Examples:
    """The captions as a selector learns from them."""
    several, right = [], []
    for one in asked:
        lists, rows = weighing.lists_of(one.rankings, engines, settings.fusion.offset, num_videos)
        several.append(lists)
        right.append(rows.index(one.row) if one.row in rows else -1)
    base = np.repeat(weighing.base_weights(engines, settings.fusion)[None], len(asked), 0)
    return Examples(_joined(several), base, np.array(right, np.int64), np.array([one.row for one in asked], np.int64))


def _joined(several: Sequence[Lists]) -> Lists:
    """The lists of all queries, filled up to the longest with videos that nobody knows."""
    longest = max(lists.scores.shape[2] for lists in several)

    def padded(values: np.ndarray, filler: float) -> np.ndarray:
        return np.pad(values, ((0, 0), (0, 0), (0, longest - values.shape[2])), constant_values=filler)

    scores = np.concatenate([padded(lists.scores, np.nan) for lists in several])
    votes = np.concatenate([padded(lists.votes, 0.0) for lists in several])
    return replace(several[0], scores=scores, votes=votes)
