"""What a store of features holds, read from its index alone; how the bytes lie is `parts.py`.

A store is a folder of immutable parts, `part-<id>.zarr`, each published by one rename. The attributes of a part list
its rows, so that what is there is known from a few small JSON files, without opening an array.
"""

import functools
import json
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.stores.atomic import TEMPORARY


@dataclass(frozen=True)
class Row:
    """One entry of a store: features (count > 0), nothing there (count 0), or a failure (count 0 and a reason)."""

    key: str
    """The content hash of a video and its sidecars, or of a caption."""
    count: int
    """How many feature vectors."""
    failed: bool = False
    reason: str = ""
    """Why it failed, or what is missing from it."""


def rows(folder: Path) -> dict[str, Row]:
    """Every row of the store by key; empty when there is no such store. Of a key in two parts a good row counts."""
    found: dict[str, Row] = {}
    for part in parts(folder):
        for row in rows_of(part):
            if row.key not in found or found[row.key].failed:
                found[row.key] = row
    return found


def parts(folder: Path) -> list[Path]:
    """The published parts of a store, sorted by name."""
    return sorted(folder.glob("part-*.zarr"))


@functools.lru_cache(maxsize=4096)
def rows_of(part: Path) -> tuple[Row, ...]:
    """The rows of one part, in the order of its arrays. Parts never change, so this is read once a process."""
    index = part / "zarr.json"
    try:
        listed = json.loads(index.read_text(encoding="utf-8"))["attributes"]["rows"]
        return tuple(Row(**row) for row in listed)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{part}: its index cannot be read ({error!r}); delete this folder and run again") from None


def new_part(folder: Path) -> tuple[Path, Path]:
    """(temporary path to write a part under, final path to rename it to)."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"part-{uuid.uuid4().hex[:12]}.zarr"
    return folder / f"{TEMPORARY}{name}", folder / name


def forget(folder: Path, keys: Iterable[str]) -> int:
    """Removes the parts that hold only failed rows, if any of `keys` is among them; how many rows went.

    Failed rows are published in parts of their own (see `parts.publish`), so nothing good is lost.
    """
    wanted, gone = set(keys), 0
    for part in parts(folder):
        held = rows_of(part)
        if all(row.failed for row in held) and wanted & {row.key for row in held}:
            shutil.rmtree(part)
            gone += len(held)
    return gone
