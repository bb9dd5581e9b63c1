"""The SQLite files of an index: written once, then only read, by any thread."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError


@contextmanager
def written(path: Path) -> Iterator[sqlite3.Connection]:
    """A new file to be filled, in one transaction."""
    database = sqlite3.connect(path)
    try:
        with database:
            yield database
    finally:
        database.close()


def ask(path: Path, statement: str, values: Sequence[Any] = ()) -> list[Any]:
    """The rows that a finished file answers with; StoreError when it is gone or damaged.

    A connection of its own for each question, so that any thread may ask.
    """
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path}: cannot be read ({error}). Was the index deleted? Run BuildIndex, then start again"
        ) from None
