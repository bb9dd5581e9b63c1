"""The index of a part: which rows and arrays it has, with a checksum, as the Zarr attributes of its group.

Parts that were written before November 2026 have no list of arrays and no checksum.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import DamagedError, NewerVersionError
from pipeline.stores import damage
from pipeline.stores.fingerprint import canonical, text_sha256

FORMAT = 1
"""Raised by hand when an older program could misunderstand a part."""

FILE = "zarr.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a store: present (count > 0), absent (count 0), or failed (count 0, with a reason)."""

    key: str
    """The content hash of a video and its sidecars, or of a caption."""
    count: int
    """The number of feature vectors."""
    failed: bool = False
    reason: str = ""
    """Why it failed, is absent, or is incomplete."""


def attributes(rows: Sequence[Row], arrays: Iterable[str]) -> dict[str, Any]:
    """The attributes of a part with these rows and the names of its arrays."""
    body = {"format": FORMAT, "rows": [dataclasses.asdict(row) for row in rows], "arrays": sorted(arrays)}
    return body | {"sha256": text_sha256(canonical(body))}


def read_index(part: Path) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """The rows of a part in the order of its arrays, and the names of its arrays; no names where it does not say them.

    DamagedError when the index is damaged, NewerVersionError when a newer version of the program wrote it.
    """
    try:
        body = json.loads((part / FILE).read_text(encoding="utf-8"))["attributes"]
        _refuse_newer(part, body)
        if "sha256" in body and body["sha256"] != _checksum(body):
            raise DamagedError(part, "its index has another checksum than when it was written")
        return tuple(_row(**entry) for entry in body["rows"]), tuple(body.get("arrays", ()))
    except (DamagedError, NewerVersionError):
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damage.unreadable(part, "its index", error) from None


def _row(key: str, count: int, failed: bool = False, reason: str = "") -> Row:
    """TypeError for values of other types: a part without a checksum may hold any."""
    if type(key) is str and type(count) is int and type(failed) is bool and type(reason) is str and count >= 0:
        return Row(key, count, failed, reason)
    raise TypeError(f"no row: {key!r}, {count!r}, {failed!r}, {reason!r}")


_SIGNED = ("format", "rows", "arrays")
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""As `canonical`, which looks at each value first: what was just read from JSON can only have its values."""


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(_ENCODE({key: body[key] for key in _SIGNED}).encode()).hexdigest()


_KNOWN = frozenset(field.name for field in dataclasses.fields(Row))


def _refuse_newer(part: Path, body: dict[str, Any]) -> None:
    if body.get("format", 0) > FORMAT:
        raise NewerVersionError(part, f"format {body['format']}")
    unknown = sorted(set().union(*(row.keys() for row in body["rows"])) - _KNOWN)
    if unknown and "sha256" in body:  # without a checksum, a flipped bit of a key looks the same
        raise NewerVersionError(part, f"unknown key {unknown[0]!r}")
