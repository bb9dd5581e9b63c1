"""What was listed of remote files, in SQLite: written as a whole and never edited, read a row at a time."""

import functools
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.remote_files.facts import Facts, Inside
from pipeline.remote_files.home import LISTING, write_privately

_COLUMNS = "address, size, etag, modified, sha256, problem, is_local, is_hashed, start, of_size, in_group, "
_COLUMNS += "in_column, of_sha256"
_SCHEMA = f"CREATE TABLE files (id TEXT PRIMARY KEY, {_COLUMNS}) WITHOUT ROWID"
_lock = threading.Lock()


def write(folder: Path, files: Iterable[tuple[str, Facts]]) -> None:
    """Writes the listing of a home, (id, facts) of each file, in place of the one before."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(_SCHEMA)
        database.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, files))
        database.commit()
        content = database.serialize()
    write_privately(folder / LISTING, content)


def read(folder: Path, video_id: str) -> Facts | None:
    """The facts of a file of a home, or None where it is not listed; StoreError where the listing is damaged."""
    rows = _query(folder / LISTING, f"SELECT id, {_COLUMNS} FROM files WHERE id = ?", (video_id,))  # noqa: S608
    return _facts(rows[0]) if rows else None


def read_all(folder: Path) -> dict[str, Facts]:
    """Id -> facts of all files of a home; StoreError where the listing is damaged."""
    return {row[0]: _facts(row) for row in _query(folder / LISTING, f"SELECT id, {_COLUMNS} FROM files", ())}  # noqa: S608


def _query(path: Path, statement: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
    try:
        stat = path.stat()
        with _lock:  # pages of a search are made by several threads
            return _opened(path, stat.st_ino, stat.st_mtime_ns).execute(statement, values).fetchall()
    except FileNotFoundError:
        return []
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: is damaged ({error}); delete it, and it is made anew") from None


def _facts(row: tuple[Any, ...]) -> Facts:
    _, address, size, etag, modified, sha256, problem, is_local, is_hashed, *place = row
    inside = None if place[0] is None else Inside(*place)
    return Facts(address, size, etag, modified, sha256, problem, bool(is_local), inside, bool(is_hashed))


@functools.lru_cache(maxsize=8)
def _opened(path: Path, inode: int, changed_ns: int) -> sqlite3.Connection:
    """Of one state of the file: another process may have written the next one."""
    return sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True, check_same_thread=False)


def _row(item: tuple[str, Facts]) -> tuple[str | int | None, ...]:
    video_id, facts = item
    place = astuple(facts.inside) if facts.inside else (None, None, None, None, None)
    return (
        video_id, facts.address, facts.size, facts.etag, facts.modified, facts.sha256, facts.problem, facts.is_local,
        facts.is_hashed, *place,
    )  # fmt: skip
