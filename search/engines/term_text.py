"""Terms as text that SQLite's tokenizer and stemmer read right, and its marks back as words.

Its own tokenizer (unicode61) tears words at combining marks, and glues scripts without blanks. So it is given terms one
blank apart: English as it is, which it stems, and all else as the numbers of its letters, in ASCII.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from extractors.text.queries import query_terms, terms
from extractors.text.tokens import is_unspaced

TOKENIZER = "porter unicode61 remove_diacritics 2"
MARK, END = "\x02", "\x03"
"""Around what matches a query."""
Span = tuple[str, int, int]
"""Text of words that are next to one another, the number of the first and that of the last."""
_PRIVATE = "\ue000"  # a letter to SQLite, and of no word


def phrase(word: str) -> str:
    """A word of a query in SQLite's language for full-text queries: its terms, one after the other."""
    return '"' + " ".join(map(in_ascii, query_terms(word))) + '"'


def text_of(word_or_name: str) -> str:
    """The terms of a text, one blank apart."""
    return " ".join(map(in_ascii, terms(word_or_name)))


def in_ascii(term: str) -> str:
    """A term as SQLite leaves it whole, or stems it where it is ASCII; without blank and quote."""
    return term if term.isascii() else "'".join(map(_numbers, term.split("'")))


def _numbers(letters: str) -> str:
    if letters.isascii():
        return letters
    # The 0 at the end keeps the stemmer from cutting off an "ed".
    return _PRIVATE + "x".join(f"{ord(letter):x}" for letter in letters) + "0"


def indexed(words: Sequence[str]) -> tuple[str, str]:
    """The text that SQLite indexes for words without blanks, and what `stored` needs beside it to give them back."""
    texts = [text_of(word) for word in words]
    if all(text and text == word.lower() and word.isascii() for text, word in zip(texts, words, strict=True)):
        return " ".join(words), ""
    counts = [len(text.split()) for text in texts]
    return " ".join(filter(None, texts)), json.dumps([list(words), counts], ensure_ascii=False)


def stored(text: str, beside: str) -> tuple[list[str], list[int]]:
    """The words, and the number of terms of each, from what `indexed` returned."""
    if not beside:
        words = text.split(" ") if text else []
        return words, [1] * len(words)
    words, counts = json.loads(beside)
    return words, counts


def matched(marked: str, beside: str) -> list[Span]:
    """Text, number of the first word and of the last of what is between marks in the text that `indexed` gave.

    It is whole words; those of a script without blanks are one, if one pair of marks encloses them.
    """
    if not beside:
        return _plain(marked)
    words, counts = stored(marked.replace(MARK, "").replace(END, ""), beside)
    word_of_term = [index for index, count in enumerate(counts) for _ in range(count)]
    spans: list[Span] = []
    for run in _runs(marked):
        found: list[Span] = []
        for index in sorted({word_of_term[term] for term in run}):
            word, first = words[index], index
            if found and is_unspaced(found[-1][0]) and is_unspaced(word):
                before, first, _ = found.pop()
                word = before + word
            found.append((word, first, index))
        spans += found
    return spans


def _plain(marked: str) -> list[Span]:
    """As `matched`, where each term is a word, in a script with blanks: an hour of speech has nine thousand."""
    terms = marked.split(" ")
    found = [number for number, term in enumerate(terms) if MARK in term]
    if marked.count(MARK) > len(found) or not all(END in terms[number] for number in found):
        found = [number for run in _runs(marked) for number in run]
    return [(terms[number].replace(MARK, "").replace(END, ""), number, number) for number in found]


def times_as_text(times_s: Iterable[Sequence[float]]) -> str:
    """Start and end of each word, as `times_of` reads them."""
    return json.dumps([[round(float(start), 3), round(float(end), 3)] for start, end in times_s])


def times_of(text: str, numbers: Sequence[int]) -> list[tuple[float, float]]:
    """Start and end of the words with these numbers, from what `times_as_text` gave; reads no others."""
    pairs = text[2:-2].split("], [")
    return [(float(start), float(end)) for start, end in (pairs[number].split(", ") for number in numbers)]


def _runs(marked: str) -> Iterator[list[int]]:
    """The numbers of the terms within each pair of marks."""
    run: list[int] = []
    for number, term in enumerate(marked.split(" ")):
        if run or MARK in term:
            run.append(number)
        if run and term.rfind(END) > term.rfind(MARK):
            yield run
            run = []
