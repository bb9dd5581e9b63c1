"""Scores set right by other queries: some videos come up for any query, and lose by what others score with them.

Q queries, V videos, N queries of a bank.
"""

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096


def normalise(
    scores: NDArray[np.floating], bank: NDArray[np.floating], beta: float = 20.0, top: int = 1
) -> NDArray[np.floating]:
    """(Q, V) scores of queries, normalised by those of a bank (N, V): QB-Norm (Bogolin et al., CVPR 2022).

    The bank must be training captions, never those evaluated.
    Only queries whose first video is among the `top` of some bank query change; their rows then are positive numbers
    that compare with one another in the row, not with other rows.
    """
    hubs = np.unique(np.argpartition(-bank, top - 1, axis=1)[:, :top])
    changed = np.flatnonzero(np.isin(scores.argmax(1), hubs))
    # Both exponents may overflow for a large beta; their common shift by the largest of the bank cancels out.
    shift = bank.max(0)
    weights = np.exp(beta * (bank - shift)).sum(0)
    result = scores.copy()
    for rows in _chunks(changed):
        result[rows] = np.exp(beta * (scores[rows] - shift)) / weights
    return result


def dual_softmax(scores: NDArray[np.floating], beta: float = 20.0) -> NDArray[np.floating]:
    """(Q, V) log of the softmax over the videos times that over the queries (Cheng et al., 2021), of beta x scores.

    It uses all evaluated queries at once, as nobody could who searches: not to be compared with raw scores.
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


def _chunks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The rows in pieces, so that what is needed beside the matrix stays small."""
    return np.array_split(rows, len(rows) // CHUNK + 1)
