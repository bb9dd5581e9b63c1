"""Sets damaged results aside: they are moved into the folder damaged/ of the store, so that they are made anew.

In object storage, a copy that differs from its object is fetched anew; where they are the same, the object is deleted.
"""

import os
import time
from pathlib import Path

from pipeline.errors import DamagedError, StoreError
from pipeline.stores import places
from pipeline.stores.local_place import DAMAGED

FOLDER = DAMAGED


def set_aside(error: DamagedError, store: Path) -> str:
    """Moves what the error names into `store/damaged`, and returns the one line that says so.

    StoreError where it cannot be moved. What is gone already, e.g. moved by another process, is no error.
    """
    place, what_next = places.place_of(error.path), "made anew"
    if place.is_remote and not place.has_same_bytes(error.path):
        what_next = "fetched anew"
    elif place.is_remote:
        place.remove_for_others(error.path)
    return _move(error, store, what_next)


def _move(error: DamagedError, store: Path, what_next: str) -> str:
    path = error.path
    where = path.relative_to(store).parts if path.is_relative_to(store) else path.parts[-2:]
    when = time.strftime("%Y%m%d-%H%M%S") + f"-{time.time_ns() % 10**6:06}"
    aside = store / FOLDER / f"{'-'.join(where)}-{when}"
    try:
        aside.parent.mkdir(parents=True, exist_ok=True)
        os.rename(path, aside)  # noqa: PTH104 - nothing is published: a lost rename is made again
    except FileNotFoundError:
        return f"{error}; it is gone by now, and {what_next}"
    except OSError as refused:
        raise StoreError(f"{error}; it cannot be moved to {aside}: {refused.strerror or refused}") from None
    for suffix in ("-journal", "-wal", "-shm"):  # of SQLite; left behind, it would be played into the new file
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return f"{error}; moved to {aside}, and {what_next}"


def unreadable(path: Path, what: str, error: Exception) -> StoreError:
    """The error for bytes of the result `path` that could not be read: DamagedError, unless they may be whole."""
    if isinstance(error, PermissionError):
        return StoreError(f"{path}: {what} cannot be read: {error.strerror}; change its permissions and run again")
    return DamagedError(path, f"{what} cannot be read ({error})")


def result_of(path: Path) -> Path:
    """The result that the file `path` belongs to: the nearest folder with a recipe.json, or else the file itself."""
    return next((folder for folder in path.parents[:3] if (folder / "recipe.json").exists()), path)
