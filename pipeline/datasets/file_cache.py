"""The cache of what inspections found in files: SQLite, read and written by many at once."""

import dataclasses
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedError
from pipeline.stores.fingerprint import text_sha256

COMMIT_S = 2.0
"""What was found so long after the last commit waits for the next one: a kill costs no more inspections than that.

A commit is flushed to the disk, which takes longer than a small file's inspection."""

_AT_ONCE = 500
"""Files that are asked for in one query."""

_SOME = "SELECT path, stamp, facts FROM files WHERE path IN (SELECT value FROM json_each(?))"

_CHECK = "check"

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""The last one is what SQLite says of a table without the expected columns."""

Key = tuple[str, str]
"""Path of a file, and what must not have changed since for its inspection to hold."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """The result of an inspection of a video file."""

    content: str
    """32 hex digits of a hash of its bytes and those of its subtitle files."""
    duration_s: float = 0.0
    has_video: bool = False
    has_audio: bool = False
    has_subtitles: bool = False
    note: str = ""
    """A shortfall of a damaged file that can be used."""
    problem: str = ""
    """Why the file cannot be used; empty when it can."""
    seekable: bool = True
    """Whether a reading may begin in the middle (see `VideoInfo`)."""


class FileCache:
    """The cache, open."""

    def __init__(self, database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stamp TEXT, facts TEXT)")
        self._database = database
        self._waiting: list[tuple[str, str, str]] = []
        self._committed_s = 0.0

    def read(self, keys: Iterable[Key]) -> Iterator[FileInfo | None]:
        """The inspection of each file, in their order; None where there is none for this state of the file."""
        rest = iter(keys)
        while some := list(islice(rest, _AT_ONCE)):
            rows = self._database.execute(_SOME, (json.dumps([path for path, _ in some]),))
            found = {(path, stamp): facts for path, stamp, facts in rows}
            yield from (_read(key, found.get(key)) for key in some)

    def write(self, key: Key, info: FileInfo) -> None:
        """Keeps an inspection; it is on the disk after the next commit (see COMMIT_S)."""
        facts = dataclasses.asdict(info)
        self._waiting.append((*key, json.dumps(facts | {_CHECK: _checksum(key, facts)})))
        if time.monotonic() - self._committed_s >= COMMIT_S:
            self.commit()

    def commit(self) -> None:
        """Writes what waits. Nothing is locked in between, so that others who inspect files need not wait."""
        if self._waiting:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", self._waiting)
            self._waiting.clear()
        self._committed_s = time.monotonic()


@contextmanager
def open_cache(path: Path) -> Iterator[FileCache]:
    """Context with the cache, committed at its end; DamagedError when its file is no database of this form any more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=60)) as database:
            cache = FileCache(database)
            try:
                yield cache
            finally:  # whatever ends the run, what was read need not be read again
                cache.commit()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
            raise  # a full disk, a lock: the file is whole
        raise DamagedError(path, f"{error}; it is only a cache") from None


def _read(key: Key, facts: str | None) -> FileInfo | None:
    try:
        info = json.loads(facts) if facts else None
        if info is None or info.pop(_CHECK, None) not in {None, _checksum(key, info)}:
            return None
        return FileInfo(**info)
    except (AttributeError, TypeError, ValueError):
        return None  # written by another version, or damaged: the file is read again


def _checksum(key: Key, facts: dict[str, Any]) -> str:
    """Of a row: SQLite does not notice a flipped bit in a value. Rows from before November 2026 have none."""
    return text_sha256(json.dumps([*key, facts], sort_keys=True))[:16]
