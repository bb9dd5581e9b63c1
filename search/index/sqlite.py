"""Writes and queries the SQLite files of an index, which are written once and then only read, by any thread."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedError
from pipeline.stores import damage


@contextmanager
def create(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a new file, which is filled in one transaction."""
    database = sqlite3.connect(path)
    try:
        with database:
            yield database
    finally:
        database.close()


def query(path: Path, statement: str, values: Sequence[str | int | float] = ()) -> list[tuple[Any, ...]]:
    """The rows that `statement` selects from a finished file; raises DamagedError when it is gone or damaged.

    Each call opens its own connection, so that any thread may call it.
    """
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()
    except sqlite3.DatabaseError as error:
        why = f"{path.name} cannot be read ({error}). Was the index deleted? Run BuildIndex, then start again"
        raise DamagedError(damage.result_of(path), why) from None
