"""QB-Norm: a bank of other queries shows which videos come up for any query (Bogolin et al., CVPR 2022)."""

import numpy as np
from numpy.typing import NDArray


def normalise(
    scores: NDArray[np.floating], bank: NDArray[np.floating], beta: float = 20.0, top: int = 1
) -> NDArray[np.float64]:
    """(Q, V) scores of queries, normalised by those of a bank (N, V); use training captions, never those evaluated.

    Only queries whose first video is among the `top` of some bank query change; their rows then are positive numbers
    that compare with one another in the row, not with other rows.
    """
    hubs = np.unique(np.argpartition(-bank, top - 1, axis=1)[:, :top])
    changed = np.isin(scores.argmax(1), hubs)
    result = scores.astype(np.float64)
    # Both exponents may overflow for a large beta; their common shift by the largest of the bank cancels out.
    shift = bank.max(0)
    weights = np.exp(beta * (bank - shift)).sum(0)
    result[changed] = np.exp(beta * (result[changed] - shift)) / weights
    return result
