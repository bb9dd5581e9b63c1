"""The rows of a feature store, read from the indexes of its parts without opening an array.

A store is a folder of immutable parts, `part-<id>.zarr`, each published by one rename. The Zarr attributes of a part
list its rows and arrays, so a few small JSON files tell what the store holds. The arrays themselves are read by
`parts.py`. Parts that were written before November 2026 have no list of arrays and no checksum of the index.
"""

import dataclasses
import functools
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedError, NewerVersionError
from pipeline.stores import atomic, damage, places
from pipeline.stores.fingerprint import canonical, text_sha256

FORMAT = 1
"""Raised by hand when an older program could misunderstand a part."""


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
    return sorted(places.listed(folder).glob("part-*.zarr"))


def attributes(rows: Sequence[Row], arrays: Iterable[str]) -> dict[str, Any]:
    """The attributes of a part with these rows and the names of its arrays."""
    body = {"format": FORMAT, "rows": [dataclasses.asdict(row) for row in rows], "arrays": sorted(arrays)}
    return body | {"sha256": text_sha256(canonical(body))}


@functools.lru_cache(maxsize=4096)
def rows_of(part: Path) -> tuple[Row, ...]:
    """The rows of one part, in the order of its arrays; cached, since parts never change.

    DamagedError when its index is damaged, NewerVersionError when a newer version of the program wrote it.
    """
    return _index(part)[0]


def arrays_of(part: Path) -> tuple[str, ...]:
    """The names of a part's arrays; those that are there where its index does not list them. Errors as of `rows_of`."""
    return _index(part)[1] or tuple(sorted(entry.name for entry in places.fetched(part).iterdir() if entry.is_dir()))


def _index(part: Path) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    try:
        body = json.loads((part / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        _refuse_newer(part, body)
        if "sha256" in body and body["sha256"] != text_sha256(canonical({key: body[key] for key in _SIGNED})):
            raise DamagedError(part, "its index has another checksum than when it was written")
        return tuple(Row(**entry) for entry in body["rows"]), tuple(body.get("arrays", ()))
    except (DamagedError, NewerVersionError):
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damage.unreadable(part, "its index", error) from None


_SIGNED = ("format", "rows", "arrays")


def _refuse_newer(part: Path, body: dict[str, Any]) -> None:
    if body.get("format", 0) > FORMAT:
        raise NewerVersionError(part, f"format {body['format']}")
    known = {field.name for field in dataclasses.fields(Row)}
    unknown = sorted({key for row in body["rows"] for key in row.keys() - known})
    if unknown and "sha256" in body:  # without a checksum, a flipped bit of a key looks the same
        raise NewerVersionError(part, f"unknown key {unknown[0]!r}")


def new_part(folder: Path) -> tuple[Path, Path]:
    """Paths of a new part: the temporary one to write to, and the final one to rename it to."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"part-{uuid.uuid4().hex[:12]}.zarr"
    return atomic.temporary(final), final


def forget(folder: Path, keys: Iterable[str]) -> int:
    """Deletes the parts that hold only failed rows and one of `keys` or more; returns the number of rows deleted.

    Failed rows are published in separate parts (see `parts.publish`), so no good row is lost.
    """
    forgotten, num_deleted = set(keys), 0
    for part in parts(folder):
        part_rows = rows_of(part)
        if all(row.failed for row in part_rows) and forgotten & {row.key for row in part_rows}:
            places.remove(part)
            num_deleted += len(part_rows)
    return num_deleted
