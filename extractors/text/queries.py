"""Words as terms of an index, and of queries to it.

A term is compared as a whole. A word of a script with blanks is one term; of a script without blanks each character is,
and each syllable of kana, so that a word is found inside a sentence: as a phrase, its terms one after the other.
"""

from collections.abc import Callable
from functools import lru_cache

import regex

from extractors.text import korean
from extractors.text.folding import fold
from extractors.text.tokens import Word, normalised, words

_KANA = regex.compile(r"\X[ァィゥェォャュョヮぁぃぅぇぉゃゅょゎ]*")
_IN_NUMBERS = frozenset(".,:\u066b\u066c")  # the last two: Arabic decimal and thousands separators
_TSHEG = "\N{TIBETAN MARK INTERSYLLABIC TSHEG}"


def terms(word: str) -> list[str]:
    """The folded terms by which a word of a text is found, in its order; none for what is no word.

    More than one for a word of several characters without blanks, and for a Korean word with particles.
    """
    return [word.lower()] if word.isascii() and word.isalnum() else list(_cached_terms(word))


@lru_cache(maxsize=65536)
def _cached_terms(word: str) -> tuple[str, ...]:
    return tuple(term for one in words(normalised(word)) for term in _terms(one, korean.stems))


def query_terms(word: str) -> list[str]:
    """The terms that must follow one another in a text where it has the word of a query."""
    return [term for one in words(normalised(word)) for term in _terms(one, lambda text: [korean.query_stem(text)])]


def query_words(text: str) -> list[str]:
    """The distinct words of a query as they are written, each to be looked for as a phrase of its `query_terms`.

    What a script without blanks joins is one word: 港口, 3月; so are a decimal number and a Tibetan word of several
    syllables. Latin letters before or after it are a word of their own: NHK港口.
    """
    text = normalised(text)
    groups: list[list[Word]] = []
    for word in words(text):
        between = text[groups[-1][-1].end : word.start] if groups else " "
        if between or word.kind != "hangul" or not korean.is_particle(word.text):
            if groups and _belong(groups[-1][-1], between, word):
                groups[-1].append(word)
            else:
                groups.append([word])
    found: dict[tuple[str, ...], str] = {}
    for group in groups:
        written = text[group[0].start : group[-1].end]
        found.setdefault(tuple(query_terms(written)), written)
    return [written for its_terms, written in found.items() if its_terms]


def _belong(first: Word, between: str, second: Word) -> bool:
    """Whether two neighbours are one word of a query."""
    numbers = first.text.isdecimal(), second.text.isdecimal()
    if between == "":
        joins = (first.is_unspaced or first.kind == "hangul", second.is_unspaced or second.kind == "hangul")
        return (first.is_unspaced and second.is_unspaced) or (numbers[0] and joins[1]) or (joins[0] and numbers[1])
    return (between in _IN_NUMBERS and all(numbers)) or between == _TSHEG


def _terms(word: Word, hangul: Callable[[str], list[str]]) -> list[str]:
    if word.kind == "hangul":
        found = hangul(word.text)
    elif word.kind == "kana":
        found = _KANA.findall(word.text)
    else:
        found = [word.text]
    return list(filter(None, map(fold, found)))
