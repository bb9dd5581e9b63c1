"""Which videos a word was found in, as columns: a word may be in thousands, and a selector asks for hundreds of words.

N documents, E experts, V videos.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scored = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""(V,) videos in ascending order, with the score and the coverage of each."""


@dataclass(frozen=True)
class Postings:
    """The documents with one word of a query, the best first."""

    videos: NDArray[np.int64]
    """(N,), the row of the video of each document."""
    experts: tuple[str, ...]
    """The E experts whose documents they are."""
    codes: NDArray[np.int64]
    """(N,), which of them recognised each document."""
    scores: NDArray[np.float64]
    """(N,)"""

    @classmethod
    def of(cls, documents: Sequence[tuple[int, str, float]]) -> "Postings":
        """Those of (row of the video, expert, score)."""
        videos, names, scores = zip(*documents, strict=True) if documents else ((), (), ())
        experts = {name: code for code, name in enumerate(dict.fromkeys(names))}
        codes = np.array([experts[name] for name in names], np.int64)
        return cls(np.array(videos, np.int64), tuple(experts), codes, np.array(scores, np.float64))

    def __len__(self) -> int:
        return len(self.videos)

    def weighted(self, weights: Mapping[str, float], num_words: int) -> Scored:
        """The score of each video, the sum over its documents times the weight of the expert, by default 1.

        Its coverage is the word's share of `num_words`, or less by an expert of a weight below 1; one of 0 is left out.
        """
        factors = np.array([weights.get(name, 1.0) for name in self.experts])[self.codes]
        counted = factors > 0
        factors = factors[counted]
        videos, places = np.unique(self.videos[counted], return_inverse=True)
        coverages = np.zeros(len(videos))
        np.maximum.at(coverages, places, np.minimum(1.0, factors) / num_words)
        return videos, _sums(places, self.scores[counted] * factors, len(videos)), coverages


def summed(words: Sequence[Scored]) -> Scored:
    """The sums over several words of a query."""
    if not words:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    columns = [np.concatenate(column) for column in zip(*words, strict=True)]
    videos, places = np.unique(columns[0], return_inverse=True)
    return videos, _sums(places, columns[1], len(videos)), _sums(places, columns[2], len(videos))


def _sums(places: NDArray[np.int64], values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """(length,), the sum of the values at each place, in their order."""
    return np.asarray(np.bincount(places, values, length), np.float64)
