"""Writes and reads the videos of an index: one row each in SQLite, and the columns that filters need as arrays.

Everything is read on demand, so that a collection of a million videos opens at once. V videos, E experts.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.index import sqlite

FILE, FOLDER = "videos.sqlite", "facets"
_SCHEMA = """
CREATE TABLE videos (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, video_id TEXT NOT NULL UNIQUE,
                     duration_s REAL NOT NULL, split TEXT NOT NULL, playable INTEGER NOT NULL,
                     experts TEXT NOT NULL, captions TEXT NOT NULL);
"""
_INSERT = "INSERT INTO videos VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT row, key, video_id, duration_s, split, playable, experts, captions FROM videos WHERE row IN ({})"
_CLIPS = "CREATE TABLE clips (row INTEGER PRIMARY KEY, file TEXT NOT NULL, start_s REAL NOT NULL)"
"""Of pieces of files; an index without any has no such table."""
_INSERT_CLIP = "INSERT INTO clips VALUES (?, ?, ?)"
_SELECT_CLIPS = "SELECT row, file, start_s FROM clips WHERE row IN ({})"
_HAS_CLIPS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'clips'"
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_encoded = lru_cache(1024)(_ENCODE)  # few sets of experts are different
_ROW = "SELECT row FROM videos WHERE key = ? UNION ALL SELECT row FROM videos WHERE video_id = ? LIMIT 1"


@dataclass(frozen=True)
class Entry:
    """A video of the collection."""

    key: str
    """16 hex digits that identify the video in addresses, without revealing its file."""
    video_id: str
    duration_s: float
    split: str
    playable: bool
    """False when the file is missing or cannot be decoded."""
    experts: tuple[str, ...]
    """The experts that have features of the video."""
    captions: tuple[str, ...] = ()
    clip_of: str = ""
    """Of a clip the path of its file below the folder of the videos; empty for a whole video, whose path is its id."""
    start_s: float = 0.0
    """Where it begins in its file; all other times of it count from there."""

    @property
    def file(self) -> str:
        """The path of its file below the folder of the videos."""
        return self.clip_of or self.video_id

    @property
    def end_s(self) -> float:
        """Where it ends in its file."""
        return self.start_s + self.duration_s


class Videos:
    """The videos of the index in `folder`. Raises StoreError when its file is damaged or gone."""

    def __init__(self, folder: Path, experts: Sequence[str]) -> None:
        self._folder, self._experts = folder, tuple(experts)

    def __len__(self) -> int:
        return len(self.durations_s)

    def __getitem__(self, row: int) -> Entry:
        """The video in a row; rows count from 0."""
        return self.some([row])[0]

    def some(self, rows: Sequence[int]) -> list[Entry]:
        """The videos in these rows, in the order of `rows`."""
        places, values = ",".join("?" * len(rows)), tuple(rows)
        clips = self._query(_SELECT_CLIPS.format(places), values) if self._has_clips else ()
        clip_of = {row: rest for row, *rest in clips}
        found = {
            row: _entry([*rest, *clip_of.get(row, ())]) for row, *rest in self._query(_SELECT.format(places), values)
        }
        return [found[row] for row in rows]

    def __iter__(self) -> Iterator[Entry]:
        return (self[row] for row in range(len(self)))

    def row(self, name: str) -> int | None:
        """The row of the video with this key, or else with this id; None if there is none."""
        found = self._query(_ROW, (name, name))
        return int(found[0][0]) if found else None

    @cached_property
    def _has_clips(self) -> bool:
        return bool(self._query(_HAS_CLIPS, ()))

    @cached_property
    def durations_s(self) -> NDArray[np.float64]:
        """(V,), duration of each video."""
        return self._column("durations_s")

    @cached_property
    def splits(self) -> NDArray[np.bytes_]:
        """(V,), split of each video, ASCII."""
        return self._column("splits")

    @cached_property
    def present(self) -> dict[str, NDArray[np.bool_]]:
        """Expert -> (V,), whether it has features of each video."""
        return dict(zip(self._experts, self._column("seen").T, strict=True))

    def _column(self, name: str) -> NDArray[Any]:
        column: NDArray[Any] = np.load(self._folder / FOLDER / f"{name}.npy", mmap_mode="r")
        return column

    def _query(self, statement: str, values: tuple[str | int, ...]) -> list[tuple[Any, ...]]:
        return sqlite.query(self._folder / FILE, statement, values)


def _entry(columns: Sequence[Any]) -> Entry:
    key, video_id, duration_s, split, playable, experts, captions, *clip = columns
    present, texts = tuple(json.loads(experts)), tuple(json.loads(captions))
    return Entry(key, video_id, duration_s, split, bool(playable), present, texts, *clip)


def write(folder: Path, entries: Iterable[Entry], experts: Sequence[str]) -> None:
    """Writes `entries` in their order, and the columns, into the folder of an index."""
    durations_s, splits, present, clips = [], [], [], list[tuple[int, str, float]]()

    def rows() -> Iterator[tuple[Any, ...]]:
        for row, entry in enumerate(entries):
            if entry.clip_of:
                clips.append((row, entry.clip_of, entry.start_s))
            durations_s.append(entry.duration_s)
            splits.append(entry.split.encode())
            present.append([name in entry.experts for name in experts])
            captions, names = _ENCODE(entry.captions), _encoded(entry.experts)
            yield row, entry.key, entry.video_id, entry.duration_s, entry.split, entry.playable, names, captions

    with sqlite.create(folder / FILE) as database:
        database.executescript(_SCHEMA)
        database.executemany(_INSERT, rows())
        if clips:
            database.execute(_CLIPS)
            database.executemany(_INSERT_CLIP, clips)
    (folder / FOLDER).mkdir()
    np.save(folder / FOLDER / "durations_s.npy", np.array(durations_s, np.float64))
    np.save(folder / FOLDER / "splits.npy", np.array(splits, np.bytes_))
    # In Fortran order, since a filter reads the column of one expert.
    np.save(
        folder / FOLDER / "seen.npy", np.asfortranarray(np.array(present, np.bool_).reshape(len(present), len(experts)))
    )
