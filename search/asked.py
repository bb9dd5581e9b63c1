"""Takes a query apart: the people that it asks for by name, what is wanted, and what is to be left out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extractors.text.queries import query_words
from search.engines import minus
from search.engines.fulltext import FullText
from search.engines.minus import SplitQuery
from search.filters import Options
from search.people.people import People

ALL_WORDS = 0.999
"""Share of the words of a phrase that a video says, from which on it says the phrase; 1 but for rounding."""


@dataclass(frozen=True)
class Asked:
    """A query in its parts."""

    names: tuple[str, ...]
    text: SplitQuery
    reason: str = ""
    """Why nothing can be looked for; empty where something can."""


def read(query: str, people: People) -> Asked:
    """The parts of a query."""
    who = people.split(query)
    text = minus.split(who.text)
    if who.unknown:
        off = "People are switched off in this collection. Switch them on under People, then name them."
        nobody = f"Nobody here has a name with which \u201c{who.unknown}\u201d begins. Names are given under People."
        return Asked(who.names, text, nobody if people.is_on else off)
    if query_words(text.wanted) or who.names:
        return Asked(who.names, text)
    if text.unwanted:
        return Asked((), text, "Say what to look for beside what to leave out, e.g. dog -cat.")
    return Asked((), text, "There is no word in what was asked for, only punctuation or signs.")


def leave_out(text: SplitQuery, words: FullText, options: Options, allowed: NDArray[np.bool_]) -> None:
    """Takes the videos out of `allowed` (V,) in which one of the unwanted words or phrases is said or written."""
    for phrase in text.unwanted:
        said = words.find(phrase, options.weights)
        allowed[[row for row, match in said.items() if match.coverage >= ALL_WORDS]] = False
