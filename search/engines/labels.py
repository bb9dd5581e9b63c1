"""Searches what classifiers saw or heard in the videos, by the names of their classes.

A file holds, for each video and class, the highest probability and when it was reached. Names are searched as words
are: by their terms, stemmed, in any form, and by any of their synonyms ("brown bear, bruin, Ursus arctos").
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from search.config import LEAST_LABEL
from search.engines.fulltext import Match, Matches, words_of_query
from search.engines.term_text import MARK, TOKENIZER, phrase, text_of
from search.index import sqlite

FILE = "labels.sqlite"

_SYNONYMS_END = re.compile("[,;]")

_SCHEMA = f"""
CREATE VIRTUAL TABLE names USING fts5(terms, tokenize = '{TOKENIZER}');
CREATE TABLE labels (id INTEGER PRIMARY KEY, expert TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE seen (label INTEGER NOT NULL, video INTEGER NOT NULL, score REAL NOT NULL, start_s REAL NOT NULL);
"""
_INDEXES = """
CREATE INDEX by_label ON seen (label, score, video);
CREATE INDEX by_video ON seen (video);
INSERT INTO names (names) VALUES ('optimize');
"""
_NAMED = """
SELECT names.rowid, expert, highlight(names, 0, char(2), char(3))
FROM names JOIN labels ON labels.id = names.rowid WHERE names MATCH ?
"""
_FIND = "SELECT video, score FROM seen WHERE label = ? AND score >= ? ORDER BY score DESC LIMIT ?"
_WITH = "SELECT DISTINCT video FROM seen WHERE label IN ({}) AND score >= ?"
_OF_VIDEO = """
SELECT label, name, expert, score, start_s FROM seen JOIN labels ON labels.id = label
WHERE video = ? AND score >= ? ORDER BY score DESC, label
"""
_COUNTS = """
SELECT name, max(number) FROM (SELECT label, count(*) AS number FROM seen WHERE score >= ? GROUP BY label)
JOIN labels ON labels.id = label GROUP BY name ORDER BY max(number) DESC, name LIMIT ?
"""


MOST_VIDEOS = 1000
"""Maximum number of videos for each label with a word of a query, the most probable first."""


@dataclass(frozen=True)
class Seen:
    """A label of a video."""

    label: str
    """Name of the class; synonyms after commas."""
    expert: str
    score: float
    """Highest probability in the video, 0..1."""
    start_s: float
    """When it was reached."""

    @property
    def short(self) -> str:
        """The name without its synonyms."""
        return self.label.partition(",")[0]


@dataclass(frozen=True)
class BestLabels:
    """The highest probability of each class that one expert saw in one video."""

    video: int
    """Row of the video in the index."""
    expert: str
    labels: Sequence[tuple[int, float, float]]
    """(index of the class, probability, start in seconds)."""


def build(path: Path, names: Mapping[str, Sequence[str]], seen: Iterable[BestLabels]) -> None:
    """Writes the class `names` of each expert, and what was seen, to the SQLite file `path`."""
    first_id: dict[str, int] = {}
    with sqlite.create(path) as database:
        database.executescript(_SCHEMA)
        next_id = 1
        for expert, of_expert in names.items():
            first_id[expert] = next_id
            next_id += len(of_expert)
            named = list(zip(range(first_id[expert], next_id), of_expert, strict=True))
            rows = [(label, expert, name) for label, name in named]
            database.executemany("INSERT INTO labels VALUES (?, ?, ?)", rows)
            texts = [(label, ", ".join(map(text_of, _SYNONYMS_END.split(name)))) for label, name in named]
            database.executemany("INSERT INTO names (rowid, terms) VALUES (?, ?)", texts)
        for one in seen:
            first = first_id[one.expert]
            values = ((first + index, one.video, score, start_s) for index, score, start_s in one.labels)
            database.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", values)
        database.executescript(_INDEXES)


class Labels:
    """The labels in the file that `build` wrote; may be queried from any thread. `floor`: lower scores do not count."""

    def __init__(self, path: Path, stop_words: Collection[str], floor: float) -> None:
        self._path, self._stop_words, self._floor = path, stop_words, max(floor, LEAST_LABEL)
        self.counts = lru_cache(maxsize=8)(self._counts)

    def find(self, query: str, weights: Mapping[str, float] = MappingProxyType({})) -> Matches:
        """Row of a video -> how well its labels match the query; `weights`: by expert, default 1.

        A word of the query scores the highest probability of a label with that word, times the share that the word has
        of the label's name; the score of a video is the sum over the words.
        """
        words = words_of_query(query, self._stop_words)
        found = Matches()
        for word in words:
            best: dict[int, float] = {}
            for label, (expert, share) in self._named(word).items():
                factor = share * weights.get(expert, 1.0)
                if factor > 0:
                    videos = self._query(_FIND, (label, self._floor, MOST_VIDEOS))
                    found.is_all &= len(videos) < MOST_VIDEOS
                    for video, score in videos:
                        best[video] = max(best.get(video, 0.0), score * factor)
            for video, score in best.items():
                before = found.get(video, Match(0.0, 0.0))
                found[video] = Match(before.score + score, before.coverage + 1 / len(words))
        return found

    def matched(self, query: str, video: int, weights: Mapping[str, float] = MappingProxyType({})) -> tuple[Seen, ...]:
        """The labels of a video that have a word of the query, best first: by probability times share of the name."""
        shares: dict[int, float] = {}
        for word in words_of_query(query, self._stop_words):
            for label, (expert, share) in self._named(word).items():
                if weights.get(expert, 1.0) > 0:
                    shares[label] = shares.get(label, 0.0) + share
        found = [(label, Seen(*rest)) for label, *rest in self._of_video(video) if label in shares]
        return tuple(seen for label, seen in sorted(found, key=lambda item: -shares[item[0]] * item[1].score))

    def seen_in(self, video: int) -> tuple[Seen, ...]:
        """All labels of a video, the most probable first."""
        return tuple(Seen(*rest) for _, *rest in self._of_video(video))

    def videos_with(self, text: str) -> list[int]:
        """Rows of the videos with a label that has all the words of `text` in its name; without a word: none."""
        words = words_of_query(text, ())
        labels = [row[0] for row in self._query(_NAMED, (" ".join(map(phrase, words)),))] if words else []
        statement = _WITH.format(",".join("?" * len(labels)))
        return [int(video) for (video,) in self._query(statement, (*labels, self._floor))] if labels else []

    def _counts(self, most: int) -> tuple[tuple[str, int], ...]:
        """The `most` labels that the most videos have by one expert: name, number of videos."""
        return tuple((name, int(number)) for name, number in self._query(_COUNTS, (self._floor, most)))

    def _named(self, word: str) -> dict[int, tuple[str, float]]:
        """Label with the word in its name -> its expert, and the word's share of the shortest synonym that has it."""
        rows = self._query(_NAMED, (phrase(word),))
        return {label: (expert, _share(marked, phrase(word))) for label, expert, marked in rows}

    def _of_video(self, video: int) -> list[tuple[Any, ...]]:
        return self._query(_OF_VIDEO, (video, self._floor))

    def _query(self, statement: str, values: tuple[str | int | float, ...]) -> list[tuple[Any, ...]]:
        return sqlite.query(self._path, statement, values)


def _share(marked: str, found: str) -> float:
    """The number of terms of the phrase that was found, by that of the shortest synonym that has it."""
    synonyms = [part for part in marked.split(",") if MARK in part]
    return min(1.0, len(found.split()) / max(1, min((len(part.split()) for part in synonyms), default=1)))
