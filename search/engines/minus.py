"""Takes apart what a query wants and what it does not: dog -cat.

A word, or words in quotes, right after a hyphen that follows a blank (or begins the query) are not wanted. Hyphens
within words (t-shirt), hyphens alone, negative numbers, and all that is in quotes stay what they are.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from search.index.vectors import Floats

MINUS = 0.5
"""How much of a vector is taken away: with all of it, what both texts have in common would be lost too."""
_PART = re.compile(r'(?P<minus>(?<!\S)-(?:"(?P<phrase>[^"]+)"|(?P<word>[^\W\d_]\S*)))|"[^"]*"|\S+|\s+')


@dataclass(frozen=True)
class SplitQuery:
    """A query in its two halves."""

    wanted: str
    unwanted: tuple[str, ...] = ()
    """Words and phrases."""


def split(query: str) -> SplitQuery:
    """The halves of a query; one without a minus stays as it is, character by character."""
    wanted, unwanted = [], []
    for part in _PART.finditer(query):
        if part["minus"]:
            unwanted.append(part["phrase"] or part["word"])
        else:
            wanted.append(part[0])
    return SplitQuery(" ".join("".join(wanted).split()), tuple(unwanted)) if unwanted else SplitQuery(query)


def less(vector: Floats, unwanted: Iterable[Floats], is_unit: bool = True) -> Floats:
    """The vector (D,) of length 1 without MINUS of the mean of these, of length 1 again; the vector itself without any.

    A video's score by it is that for what is wanted less MINUS times that for what is not, but for a factor; without
    the factor where `is_unit` is False, for vectors whose lengths say how much they count.
    """
    taken = list(unwanted)
    if not taken:
        return vector
    if not is_unit:
        return np.asarray(vector - MINUS * np.mean(taken, axis=0), np.float32)
    left = _unit(vector) - MINUS * np.mean([_unit(one) for one in taken], axis=0)
    return _unit(np.asarray(left, np.float32))


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
