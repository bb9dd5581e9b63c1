"""Normalises scores by those of other queries, against hubs: videos that rank high for any query.

Q queries, V videos, N queries of a querybank.
"""

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096


def normalise(
    scores: NDArray[np.floating], bank: NDArray[np.floating], beta: float = 20.0, top: int = 1
) -> NDArray[np.floating]:
    """(Q, V) scores normalised by those of a querybank (N, V): QB-Norm (Bogolin et al., CVPR 2022).

    The bank must consist of training captions, never of the evaluated ones. Only queries whose best video is among the
    `top` of some bank query change; their rows become positive numbers, comparable within the row only. All videos that
    share a best score count as best, so that the order of the videos decides nothing.
    """
    hubs = _best(bank, top).any(0)
    changed = np.flatnonzero((_best(scores, 1) & hubs).any(1))
    # Subtracting the largest bank score from both exponents cancels out, and prevents an overflow for a large beta.
    shift = bank.max(0)
    weights = np.exp(beta * (bank - shift)).sum(0)
    result = scores.copy()
    for rows in _chunks(changed):
        result[rows] = np.exp(beta * (scores[rows] - shift)) / weights
    return result


def dual_softmax(scores: NDArray[np.floating], beta: float = 20.0) -> NDArray[np.floating]:
    """(Q, V) log of the softmax over the videos times the softmax over the queries, of beta x scores.

    From Cheng et al., 2021. It needs all evaluated queries at once, which a search does not have, so that its metrics
    are not comparable with those of raw scores.
    """
    highest = scores.max(0)
    totals = np.zeros_like(highest)
    for rows in _chunks(np.arange(len(scores))):
        totals += np.exp(beta * (scores[rows] - highest)).sum(0)
    result = 2 * beta * scores
    result -= beta * highest + np.log(totals)
    for rows in _chunks(np.arange(len(scores))):
        first = scores[rows].max(1, keepdims=True)
        result[rows] -= beta * first + np.log(np.exp(beta * (scores[rows] - first)).sum(1, keepdims=True))
    return result


def _best(scores: NDArray[np.floating], top: int) -> NDArray[np.bool_]:
    """(N, V): whether a score is among the `top` of its row; all that equal the last of these are, too."""
    best = np.empty(scores.shape, bool)
    for rows in _chunks(np.arange(len(scores))):
        last = (
            np.partition(scores[rows], -top, axis=1)[:, -top, None] if top > 1 else scores[rows].max(1, keepdims=True)
        )
        best[rows] = scores[rows] >= last
    return best


def _chunks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The rows in chunks, so that little memory is needed beside the matrix."""
    return np.array_split(rows, len(rows) // CHUNK + 1)
