"""The videos of an index: a row each in SQLite, found by name, and beside them what filters ask, as columns.

Nothing is read until it is asked for, so that a collection of a million videos opens at once. V videos, E experts.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
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
_SOME = "SELECT row, key, video_id, duration_s, split, playable, experts, captions FROM videos WHERE row IN ({})"
_ROW = "SELECT row FROM videos WHERE key = ? UNION ALL SELECT row FROM videos WHERE video_id = ? LIMIT 1"


@dataclass(frozen=True)
class Entry:
    """A video of the collection."""

    key: str
    """16 hex digits that name it in addresses; says nothing about the file."""
    video_id: str
    duration_s: float
    split: str
    playable: bool
    """False when there is no file, or none that can be decoded."""
    experts: tuple[str, ...]
    """The experts that saw something in it."""
    captions: tuple[str, ...] = ()


class Videos:
    """What `write` wrote into the folder of an index; StoreError when it is damaged or gone."""

    def __init__(self, folder: Path, experts: Sequence[str]) -> None:
        self._folder, self._experts = folder, tuple(experts)

    def __len__(self) -> int:
        return len(self.durations_s)

    def __getitem__(self, row: int) -> Entry:
        """The video in a row, from 0."""
        return self.some([row])[0]

    def some(self, rows: Sequence[int]) -> list[Entry]:
        """The videos in a few rows, in that order."""
        found = {row: _entry(rest) for row, *rest in self._ask(_SOME.format(",".join("?" * len(rows))), tuple(rows))}
        return [found[row] for row in rows]

    def __iter__(self) -> Iterator[Entry]:
        return (self[row] for row in range(len(self)))

    def row(self, name: str) -> int | None:
        """The row of the video with this key, or else with this id; None when there is none."""
        found = self._ask(_ROW, (name, name))
        return int(found[0][0]) if found else None

    @cached_property
    def durations_s(self) -> NDArray[np.float64]:
        """(V,)"""
        return self._column("durations_s")

    @cached_property
    def splits(self) -> NDArray[np.bytes_]:
        """(V,), ASCII."""
        return self._column("splits")

    @cached_property
    def seen(self) -> dict[str, NDArray[np.bool_]]:
        """Expert -> (V,), whether it saw something in the video."""
        return dict(zip(self._experts, self._column("seen").T, strict=True))

    def _column(self, name: str) -> NDArray[Any]:
        column: NDArray[Any] = np.load(self._folder / FOLDER / f"{name}.npy", mmap_mode="r")
        return column

    def _ask(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        return sqlite.ask(self._folder / FILE, statement, values)


def _entry(told: Sequence[Any]) -> Entry:
    key, video_id, duration_s, split, playable, experts, captions = told
    saw, said = tuple(json.loads(experts)), tuple(json.loads(captions))
    return Entry(key, video_id, duration_s, split, bool(playable), saw, said)


def write(folder: Path, entries: Iterable[Entry], experts: Sequence[str]) -> None:
    """A row for each of `entries`, in their order, and the columns."""
    durations_s, splits, seen = [], [], []
    with sqlite.written(folder / FILE) as database:
        database.executescript(_SCHEMA)
        for row, entry in enumerate(entries):
            captions, saw = json.dumps(entry.captions, ensure_ascii=False), json.dumps(entry.experts)
            told = (entry.key, entry.video_id, entry.duration_s, entry.split, entry.playable, saw, captions)
            database.execute(_INSERT, (row, *told))
            durations_s.append(entry.duration_s)
            splits.append(entry.split.encode())
            seen.append([name in entry.experts for name in experts])
    (folder / FOLDER).mkdir()
    np.save(folder / FOLDER / "durations_s.npy", np.array(durations_s, np.float64))
    np.save(folder / FOLDER / "splits.npy", np.array(splits, np.bytes_))
    # By expert: a filter asks for one of them, of all videos.
    np.save(folder / FOLDER / "seen.npy", np.asfortranarray(np.array(seen, np.bool_).reshape(len(seen), len(experts))))
