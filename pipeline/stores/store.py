"""The rows of a feature store, read from the indexes of its parts without opening an array.

A store is a folder of immutable parts, `part-<id>.zarr`, each published by one rename. The Zarr attributes of a part
list its rows, so a few small JSON files tell what the store holds. The arrays themselves are read by `parts.py`.
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
    """One entry of a store: present (count > 0), absent (count 0), or failed (count 0, with a reason)."""

    key: str
    """The content hash of a video and its sidecars, or of a caption."""
    count: int
    """The number of feature vectors."""
    failed: bool = False
    reason: str = ""
    """Why it failed, is absent, or is incomplete."""


def rows(folder: Path) -> dict[str, Row]:
    """All rows of the store by key; empty when there is no store. A good row takes precedence over a failed one."""
    by_key: dict[str, Row] = {}
    for part in parts(folder):
        for row in rows_of(part):
            if row.key not in by_key or by_key[row.key].failed:
                by_key[row.key] = row
    return by_key


def parts(folder: Path) -> list[Path]:
    """Paths of the published parts of a store, sorted by name."""
    return sorted(folder.glob("part-*.zarr"))


@functools.lru_cache(maxsize=4096)
def rows_of(part: Path) -> tuple[Row, ...]:
    """The rows of one part, in the order of its arrays; cached, since parts never change. StoreError when damaged."""
    index = part / "zarr.json"
    try:
        entries = json.loads(index.read_text(encoding="utf-8"))["attributes"]["rows"]
        return tuple(Row(**entry) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{part}: its index cannot be read ({error!r}); delete this folder and run again") from None


def new_part(folder: Path) -> tuple[Path, Path]:
    """Paths of a new part: the temporary one to write to, and the final one to rename it to."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"part-{uuid.uuid4().hex[:12]}.zarr"
    return folder / f"{TEMPORARY}{name}", folder / name


def forget(folder: Path, keys: Iterable[str]) -> int:
    """Deletes the parts that hold only failed rows and one of `keys` or more; returns the number of rows deleted.

    Failed rows are published in separate parts (see `parts.publish`), so no good row is lost.
    """
    forgotten, num_deleted = set(keys), 0
    for part in parts(folder):
        part_rows = rows_of(part)
        if all(row.failed for row in part_rows) and forgotten & {row.key for row in part_rows}:
            shutil.rmtree(part)
            num_deleted += len(part_rows)
    return num_deleted
