"""Matrices of minimal filtering, by which several results of a short filter share their products (Winograd 1980).

As Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016, sections 3 and 4) write it: the `tile`
results of a filter of `taps` weights over tile + taps - 1 inputs are `outputs @ ((weights @ filter) * (inputs @ d))`,
which takes as many products as there are inputs, in place of tile x taps. How the matrices are made of points is
Toom's and Cook's way, as told by Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution"
(2020, section 2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

POINTS = (0.0, 1.0, -1.0, 0.5, -2.0, 2.0)
"""Where the polynomials are evaluated, and at infinity. In float32 those of one size lose the fewest digits together
with their reciprocals: 6 points at 0.5 and -2 lose half as much as at 2 and -2."""


@dataclass(frozen=True)
class Matrices:
    """The three matrices for `tile` results of a filter of `taps` weights, P = tile + taps - 1."""

    outputs: Matrix
    """(tile, P)"""
    weights: Matrix
    """(P, taps)"""
    inputs: Matrix
    """(P, P)"""
    one: int
    """Index of the point 1, whose product is added to each result as it is."""


def matrices(tile: int, taps: int) -> Matrices:
    """The matrices; ValueError for more points than there are."""
    number = tile + taps - 2
    if number > len(POINTS):
        raise ValueError(f"{tile} results of {taps} weights: {number + 1} points, {len(POINTS) + 1} are there")
    points = np.array(POINTS[:number])
    outputs = np.vander(points, tile, increasing=True).T
    weights = np.vander(points, taps, increasing=True)
    others = [np.delete(points, index) for index in range(number)]
    weights = weights / [[np.prod(point - rest)] for point, rest in zip(points, others, strict=True)]
    inputs = [np.append(np.poly(rest)[::-1], 0.0) for rest in others] + [np.poly(points)[::-1]]
    last = np.eye(number + 1)[:, -1:]
    return Matrices(
        np.hstack([outputs, last[-tile:]]), np.vstack([weights, last.T[:, -taps:]]), np.array(inputs), POINTS.index(1.0)
    )
