"""The file of a video that a request names by its key."""

from pathlib import Path

from fastapi import HTTPException

from search.collection import Collection
from search.index.videos import Entry

UNPLAYABLE = "This video has no file that can be played"


def file_of(collection: Collection, key: str) -> tuple[Entry, Path]:
    """The entry and its file; HTTPException 404 where there is none, ConfigError (404) for a key that is none."""
    entry = collection.entry(key)
    path = collection.path(entry)
    if not entry.playable or not path.is_file():
        raise HTTPException(404, UNPLAYABLE)
    return entry, path
