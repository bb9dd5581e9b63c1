"""Full-text search in the recognised words of the videos, by SQLite's FTS5 with its bm25 ranking.

A document is the words that one expert recognised in one video, with their times. What is indexed are their terms
(`extractors.text.queries`), English ones stemmed; a word of a query is found where its terms follow one another.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from operator import attrgetter, itemgetter
from pathlib import Path
from sqlite3 import Connection
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from extractors.text.folding import fold
from extractors.text.queries import query_words
from extractors.text.tokens import is_unspaced
from search.engines import postings, term_text
from search.engines.postings import Postings
from search.engines.term_text import TOKENIZER, phrase
from search.index import sqlite

_SCHEMA = f"""
CREATE VIRTUAL TABLE documents USING fts5(text, tokenize = '{TOKENIZER}');
CREATE TABLE sources (id INTEGER PRIMARY KEY, video INTEGER NOT NULL, expert TEXT NOT NULL, times TEXT NOT NULL,
                      words TEXT NOT NULL);
CREATE INDEX by_video ON sources (video);
"""
_FIND = """
SELECT sources.video, sources.expert, -rank FROM documents JOIN sources ON sources.id = documents.rowid
WHERE documents MATCH ? ORDER BY rank LIMIT ?
"""
_MARK = """
SELECT sources.expert, highlight(documents, 0, char(2), char(3)), sources.times, sources.words FROM sources
JOIN documents ON documents.rowid = sources.id WHERE sources.video = ? AND documents MATCH ?
"""
_ALL = """
SELECT sources.expert, documents.text, sources.times, sources.words FROM sources
JOIN documents ON documents.rowid = sources.id
WHERE sources.video = ? ORDER BY sources.expert
"""
MOST_DOCUMENTS = 5000
"""Maximum number of documents for each word of a query, the best ones first."""
MOST_OF_A_WORD = 60
"""Places of one word of one expert in a video that a hit tells, the first ones."""


@dataclass(frozen=True)
class Document:
    """The words that one expert recognised in one video."""

    video: int
    """Row of the video in the index."""
    expert: str
    words: Sequence[str]
    times_s: Sequence[tuple[float, float]]
    """Start and end of each word."""


@dataclass(frozen=True)
class Word:
    """A word that was recognised in a video."""

    text: str
    expert: str
    """The expert that recognised it."""
    start_s: float
    end_s: float
    is_unspaced: bool = False
    """Whether its script puts no blanks between words; a word of several characters is then one word, if it matched."""


class Place(NamedTuple):
    """Where a word was recognised, which is made faster than a Word."""

    text: str
    expert: str
    start_s: float
    end_s: float


AWord = TypeVar("AWord", Place, Word)


@dataclass(frozen=True)
class Match:
    """How well the words of one video match a query."""

    score: float
    """bm25, summed over the experts; higher is better."""
    coverage: float
    """0..1, share of the query's words that occur in the video."""


def build(path: Path, documents: Iterable[Document]) -> None:
    """Writes all documents to the SQLite file `path`."""
    with sqlite.create(path) as database:
        database.executescript(_SCHEMA)
        _insert(database, documents, 1)


def change(path: Path, moved: Mapping[int, int], gone: Sequence[int], documents: Iterable[Document]) -> None:
    """Changes a file that `build` wrote: rows of videos by number of a document, documents that go, and more of them.

    What a search finds is what it would find in a file with the same documents that was written at once.
    """
    with sqlite.create(path) as database:
        database.executemany("DELETE FROM documents WHERE rowid = ?", ((number,) for number in gone))
        database.executemany("DELETE FROM sources WHERE id = ?", ((number,) for number in gone))
        database.executemany("UPDATE sources SET video = ? WHERE id = ?", ((row, one) for one, row in moved.items()))
        ((last,),) = database.execute("SELECT coalesce(max(id), 0) FROM sources")
        _insert(database, documents, last + 1)


def sources(path: Path) -> list[tuple[int, int, str]]:
    """(number, row of the video, expert) of each document in a file that `build` wrote."""
    return sqlite.query(path, "SELECT id, video, expert FROM sources ORDER BY id")


def _insert(database: Connection, documents: Iterable[Document], first: int) -> None:
    for number, document in enumerate(documents, first):
        times = term_text.times_as_text(document.times_s)
        text, words = term_text.indexed(["".join(word.split()) for word in document.words])
        values = (number, document.video, document.expert, times, words)
        database.execute("INSERT INTO sources VALUES (?, ?, ?, ?, ?)", values)
        database.execute("INSERT INTO documents (rowid, text) VALUES (?, ?)", (number, text))
    database.execute("INSERT INTO documents (documents) VALUES ('optimize')")


class Matches(dict[int, Match]):
    """Row of a video -> how well it matches."""

    is_all = True
    """Whether there is no video beside these that matches."""


class FullText:
    """The documents in the file that `build` wrote; may be queried from any thread."""

    def __init__(self, path: Path, stop_words: Collection[str]) -> None:
        self._path, self._stop_words = path, stop_words
        self._postings: Callable[[str], Postings] = self._look_up

    def query_words(self, query: str) -> list[str]:
        """The words of a query that are searched for: distinct, without stop words."""
        return words_of_query(query, self._stop_words)

    def find(self, query: str, weights: Mapping[str, float] = MappingProxyType({})) -> Matches:
        """Row of a video -> how well it matches the query; `weights`: by expert, default 1."""
        words, found = self.query_words(query), Matches()
        of_words = [self._postings(phrase(word)) for word in words]
        videos, *columns = postings.summed([one.weighted(weights, len(words)) for one in of_words])
        found.update(zip(videos.tolist(), map(Match, *(column.tolist() for column in columns)), strict=True))
        found.is_all = all(len(one) < MOST_DOCUMENTS for one in of_words)
        return found

    def matched(self, query: str, video: int, weights: Mapping[str, float] = MappingProxyType({})) -> tuple[Word, ...]:
        """The words of the query that occur in a video, sorted by time."""
        return words_at(self.places(query, video, weights))

    def places(self, query: str, video: int, weights: Mapping[str, float] = MappingProxyType({})) -> list[Place]:
        """The same in a form that is cheaper to make: in one hour there may be thousands."""
        words = self.query_words(query)
        if not words:
            return []
        found = dict[Place, None]()
        for expert, marked, times, words_beside in self._query(_MARK, (video, " OR ".join(map(phrase, words)))):
            if weights.get(expert, 1.0) > 0 and (spans := term_text.matched(marked, words_beside)):
                texts, first, last = zip(*spans, strict=True)
                starts, ends = zip(*term_text.times_of(times, first), strict=True)
                if first != last:
                    _, ends = zip(*term_text.times_of(times, last), strict=True)
                found |= dict.fromkeys(map(Place, texts, repeat(expert), starts, ends))
        return sorted(found, key=itemgetter(2, 0, 1, 3))

    def words_of(self, video: int) -> tuple[Word, ...]:
        """All recognised words of a video, sorted by expert and time."""
        return tuple(
            _word(Place(text, expert, *times_s))
            for expert, indexed, times, words_beside in self._query(_ALL, (video,))
            for text, times_s in zip(term_text.stored(indexed, words_beside)[0], json.loads(times), strict=True)
        )

    def remember(self, num_words: int) -> None:
        """Keeps what is found of so many words, 120 kB each at most: for who asks for the same words many times."""
        self._postings = lru_cache(num_words)(self._look_up)

    def _look_up(self, words: str) -> Postings:
        return Postings.of(self._query(_FIND, (words, MOST_DOCUMENTS)))

    def _query(self, statement: str, values: tuple[str | int, ...]) -> list[tuple[Any, ...]]:
        return sqlite.query(self._path, statement, values)


def words_at(places: Iterable[Place]) -> tuple[Word, ...]:
    """The words at these places."""
    return tuple(map(_word, places))


def _word(place: Place) -> Word:
    return Word(*place, is_unspaced(place.text))


def words_of_query(query: str, stop_words: Collection[str]) -> list[str]:
    """The words of a query that are searched for: distinct, without `stop_words`."""
    left_out = {fold(word) for word in stop_words}
    return [word for word in query_words(query) if fold(word) not in left_out]


def best_second(words: Sequence[Place | Word], within_s: float = 5.0) -> float:
    """Start of the span of `within_s` seconds with the most distinct words; the first such span."""
    ordered = sorted(words, key=attrgetter("start_s"))
    texts, starts_s, inside = (
        [fold(word.text) for word in ordered],
        [word.start_s for word in ordered],
        dict[str, int](),
    )
    best, most, left, entered, count = starts_s[0], 0, 0, 0, len(ordered)
    # Each word enters the span and leaves it once: in an hour of speech a word may match a thousand times.
    for start_s in starts_s:
        while entered < count and starts_s[entered] - start_s <= within_s:
            inside[texts[entered]] = inside.get(texts[entered], 0) + 1
            entered += 1
        while starts_s[left] < start_s:
            if inside[texts[left]] == 1:
                del inside[texts[left]]
            else:
                inside[texts[left]] -= 1
            left += 1
        if len(inside) > most:
            best, most = start_s, len(inside)
    return best


def first_of_each(words: Sequence[AWord], most: int = MOST_OF_A_WORD) -> tuple[AWord, ...]:
    """The first `most` of each distinct one of the words of each expert, in their order."""
    counts = dict[tuple[str, str], int]()
    kept = []
    for word in words:
        # By expert: a name that is written on every frame must not hide where it is spoken.
        one = word.expert, fold(word.text)
        counts[one] = number = counts.get(one, 0) + 1
        if number <= most:
            kept.append(word)
    return tuple(kept)
