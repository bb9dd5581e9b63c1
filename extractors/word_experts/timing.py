"""Gives the words of a text their times, as if all its letters were equally long."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from extractors.text.tokens import is_unspaced, tokens


class TimedWord(NamedTuple):
    """A word that is said, from its start to its end."""

    text: str
    start_s: float
    end_s: float


class Piece(NamedTuple):
    """A piece of what is said, as a speech recogniser gives it: a word, a character, or torn from one."""

    text: str
    start_s: float
    end_s: float
    probability: float


def spread(text: str, start_s: float, end_s: float) -> list[TimedWord]:
    """The words of a text that is said from `start_s` to `end_s`; none, where it has none."""
    words = tokens(text)
    ends = np.cumsum([len(word) for word in words], dtype=np.float64)
    edges = start_s + np.concatenate([[0], ends]) / max(len("".join(words)), 1) * (end_s - start_s)
    return [TimedWord(word, *span) for word, *span in zip(words, edges[:-1].tolist(), edges[1:].tolist(), strict=True)]


def mended(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, those joined that are no words of their own: a Thai vowel sign, say, that was torn from its letter.

    A joined piece lasts from the start of the first to the end of the last, and has their mean probability.
    """
    groups: list[list[Piece]] = []
    for piece in pieces:
        before = "".join(one.text for one in groups[-1]) if groups else ""
        if before and _is_torn(before, piece.text):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [
        Piece(
            "".join(one.text for one in group),
            group[0].start_s,
            group[-1].end_s,
            sum(one.probability for one in group) / len(group),
        )
        for group in groups
    ]


def _is_torn(before: str, after: str) -> bool:
    """Whether a text goes on with a mark of its last letter, or inside a word of a script without blanks."""
    apart, together = tokens(before) + tokens(after), tokens(before + after)
    if apart == together:
        return False
    changed = next((new for old, new in zip(apart, together, strict=False) if old != new), "")
    return unicodedata.category(after[0]).startswith("M") or is_unspaced(changed)
