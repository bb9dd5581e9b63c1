"""The score lists of several engines for the same queries, and their fusion with given weights.

Q queries, E engines, U videos that take part (of one query perhaps others than of the next).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CHUNK_ENTRIES = 1 << 22
"""Number of scores that are fused at once, so that little memory is needed beside them."""


@dataclass(frozen=True)
class Lists:
    """What E engines say of U videos for each of Q queries."""

    scores: Floats
    """(Q, E, U); NaN where an engine says nothing of a video."""
    votes: Floats
    """(Q, E, U), what a video gets for a weight of 1 of the engine; read only where there is a score."""
    num_videos: int
    """Of the whole collection, of which no more than the U videos are in the lists."""
    averaged: bool
    """Whether a fused score is the weighted mean over the engines that know the video, and not the weighted sum."""
    added: Floats | None = None
    """(Q, U), what is added to the weighted sum before it is averaged, NaN for a video that nobody knows.

    None: nothing, and nobody knows the videos of which no engine says anything.
    """

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """(Q, E, U), whether the engine says something of the video."""
        return np.asarray(~np.isnan(self.scores), np.bool_)

    @cached_property
    def has_list(self) -> NDArray[np.bool_]:
        """(Q, E), whether the engine says anything at all."""
        return np.asarray(self.present.any(2), np.bool_)

    @cached_property
    def _votes(self) -> Floats:
        return np.where(self.present, self.votes, np.float32(0))

    @cached_property
    def _counted(self) -> Floats:
        return self.present.astype(np.float32)

    @cached_property
    def unknown(self) -> NDArray[np.bool_]:
        """(Q, U), whether nobody knows the video."""
        return np.asarray(~self.present.any(1) if self.added is None else np.isnan(self.added), np.bool_)

    def fused(self, weights: NDArray[np.floating], rows: slice = slice(None)) -> Floats:
        """(n, U) fused scores of the queries at `rows`, with their weights (n, E); -inf for a video nobody knows."""
        factors = weights.astype(np.float32)[:, None]
        total: Floats = np.matmul(factors, self._votes[rows])[:, 0]
        if self.added is not None:
            total += self.added[rows]
        if self.averaged:
            counted = np.matmul(factors, self._counted[rows])[:, 0]
            total /= np.where(counted > 0, counted, np.float32(1))
        total[self.unknown[rows]] = -np.inf
        return total

    def take(self, rows: NDArray[np.intp]) -> "Lists":
        """Those of some of the queries."""
        added = None if self.added is None else self.added[rows]
        return Lists(self.scores[rows], self.votes[rows], self.num_videos, self.averaged, added)

    def chunks(self) -> Iterator[slice]:
        """The queries in pieces of at most CHUNK_ENTRIES scores."""
        size = max(1, CHUNK_ENTRIES // max(1, self.scores.shape[1] * self.scores.shape[2]))
        return (slice(start, min(start + size, len(self))) for start in range(0, len(self), size))


@dataclass(frozen=True)
class Examples:
    """Queries whose right video is known."""

    lists: Lists
    base: NDArray[np.float64]
    """(Q, E), at least 0: the weights of the engines without a selector."""
    right: NDArray[np.int64]
    """(Q,), place of the right video among the U; -1 where no engine knows it."""
    owners: NDArray[np.int64]
    """(Q,), the video of each query, by any number: queries of one video stay together."""

    def __len__(self) -> int:
        return len(self.lists)

    def take(self, rows: NDArray[np.intp]) -> "Examples":
        """Some of them."""
        return Examples(self.lists.take(rows), self.base[rows], self.right[rows], self.owners[rows])

    def found(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """(Q,), 1 / rank of the right video with weights (Q, E); equal scores share their mean rank, 0 if unknown."""
        ranks = np.empty(len(self))
        for rows in self.lists.chunks():
            fused = self.lists.fused(weights[rows], rows)
            of_right = np.take_along_axis(fused, np.maximum(self.right[rows], 0)[:, None], 1)
            ranks[rows] = (fused > of_right).sum(1) + ((fused == of_right).sum(1) + 1) / 2
        return np.where(self.right < 0, 0.0, 1 / ranks)
