"""Features that others extracted: from the pickles of a released archive into the stores that extraction fills.

No video is at hand, so the rows are named by collection and video; what archive they came from is kept beside them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.files import plain_name
from pipeline.errors import ArchiveError
from pipeline.stores import atomic, parts, store
from pipeline.stores.fingerprint import Recipe
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from pipeline.untrusted.archives import Unpacked
from pipeline.untrusted.unpickle import ExpertStore, load_pickle

IMPORTED = "imported"
"""The module in extractors/ that an expert or a text encoder names when its rows are imported."""

ROWS_PER_PART = 4096

Files = tuple[tuple[str, ...], ...]
"""Alternatives, the first of which that is there counts; each is one or more patterns `folder/file`."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """An expert or a text encoder whose store is to be filled."""

    name: str
    folder: Path
    recipe: Recipe
    dim: int
    files: Files


@dataclass
class Origin:
    """Where the rows of a collection in a store came from, and what they are: kept as `imports/<collection>.json`."""

    collection: str
    archive: str
    members: tuple[str, ...]
    digest: str
    """12 digits over the members' sha256."""
    present: int = 0
    absent: int = 0
    failed: int = 0
    finished: bool = False
    notes: list[str] = field(default_factory=list)


def row_key(collection: str, video_id: str) -> str:
    """32 hex digits that name the row of a video whose features are imported."""
    return hashlib.sha256(f"imported {collection} {plain_name(video_id)}".encode()).hexdigest()[:32]


def find(files: Files, members: Iterable[str]) -> list[str]:
    """The members that make up the first alternative which is there whole; empty when none is."""
    names = sorted(members)
    for alternative in files:
        found = [next((name for name in names if fits(name, pattern)), None) for pattern in alternative]
        if all(found):
            return [name for name in found if name]
    return []


def fits(member: str, pattern: str) -> bool:
    """Whether the end of the member's path is as the pattern says; the folders above differ between releases."""
    depth = len(PurePosixPath(pattern).parts)
    return fnmatchcase("/".join(PurePosixPath(member).parts[-depth:]), pattern)


def origin_of(folder: Path, collection: str) -> Origin | None:
    """Where the rows of the collection in this store came from, or None when nothing was imported."""
    path = folder / "imports" / f"{collection}.json"
    return Origin(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def begin(table: Table, collection: str, archive: str, members: Mapping[str, Unpacked]) -> Origin:
    """The origin of the rows that will be written; ArchiveError when the store has those of another archive."""
    digest = hashlib.sha256("+".join(made.sha256 for made in members.values()).encode()).hexdigest()[:12]
    before = origin_of(table.folder, collection)
    if before and before.digest != digest:
        raise ArchiveError(
            f"{table.name} holds {collection} from {before.archive}, and this file of {archive} differs: delete "
            f"{table.folder} to take this one, or copy the expert's YAML under another name to have both"
        )
    origin = Origin(collection, archive, tuple(members), digest)
    _write(table.folder, origin)
    return origin


def import_features(table: Table, origin: Origin, members: Mapping[str, Unpacked], videos: Iterable[str]) -> Origin:
    """Writes a row for each video of the archive, and an absent one for each of `videos` that it lacks."""
    found = dict(_vectors(table, members))
    lacking = f"not in {origin.archive}"
    names = [*found, *sorted({plain_name(video) for video in videos} - found.keys())]
    rows = [(row_key(origin.collection, name), *found.get(name, (None, lacking))) for name in names]
    return _publish(table, origin, rows)


def import_texts(
    table: Table, origin: Origin, members: Mapping[str, Unpacked], keys: Mapping[str, Sequence[str]]
) -> Origin:
    """Writes a row for each caption; `keys` has, by video, the row of each of its captions, or one of all together."""
    rows = []
    for video, value in _merged(members).items():
        said, tokens = keys.get(video, ()), [_as_rows(one) for one in value]
        if len(said) == 1 and len(tokens) > 1:
            tokens = [_joined(tokens)]
        if len(said) != len(tokens):
            origin.notes += [f"{video}: {len(tokens)} captions in the features, {len(said)} in the texts"]
            continue
        rows += [(key, one, "" if one is not None else "no tokens") for key, one in zip(said, tokens, strict=True)]
    return _publish(table, origin, list({row[0]: row for row in rows}.values()))


def fill_absent(folder: Path, dim: int, keys: Iterable[str]) -> None:
    """Absent rows for videos that came to the dataset after the import."""
    rows = [Row(key, 0, reason="not in the imported features") for key in sorted(keys)]
    parts.publish(folder, rows, [_features(None, dim)] * len(rows), dim)


_Found = tuple[str, Vectors | None, str]


def _vectors(table: Table, members: Mapping[str, Unpacked]) -> Iterator[tuple[str, tuple[Vectors | None, str]]]:
    """(video, (its vectors or None, why not)); files of several aggregates are joined along the vector."""
    loaded = [_by_name(load_pickle(made.path, member), member) for member, made in members.items()]
    for video in loaded[0]:
        blocks = [_as_rows(data.get(video)) for data in loaded]
        if any(block is None for block in blocks):
            yield video, (None, "")
            continue
        block = np.concatenate([one for one in blocks if one is not None], axis=1)
        if block.shape[1] != table.dim:
            raise ArchiveError(
                f"{', '.join(members)}: {video} has vectors of length {block.shape[1]}, expert {table.name} wants "
                f"{table.dim}"
            )
        finite = bool(np.isfinite(block).all())
        yield video, (block, "") if finite else (None, "some of its values are not finite")


def _as_rows(value: Any) -> Vectors | None:
    """(n, D); None for what stands for missing: NaN, all NaN, or nothing at all."""
    if value is None or isinstance(value, (int, float)):
        return None
    block = np.asarray(value)
    if block.ndim not in {1, 2} or block.dtype.kind not in "fiu":
        raise ArchiveError(f"an array of shape {block.shape} and type {block.dtype} where vectors are expected")
    with np.errstate(over="ignore"):
        block = np.atleast_2d(block).astype(np.float32)
    return None if block.size == 0 or bool(np.isnan(block).all()) else block


def _joined(tokens: Sequence[Vectors | None]) -> Vectors | None:
    there = [one for one in tokens if one is not None]
    return np.concatenate(there) if there else None


def _merged(members: Mapping[str, Unpacked]) -> dict[str, list[Any]]:
    """The text features of all files: those of the splits often lie apart."""
    merged: dict[str, list[Any]] = {}
    for member, made in members.items():
        for video, value in _by_name(load_pickle(made.path, member), member).items():
            merged[video] = list(value) if isinstance(value, (list, np.ndarray)) else []
    return merged


def _by_name(data: Any, member: str) -> dict[str, Any]:
    try:
        named = data.vectors() if isinstance(data, ExpertStore) else data
        return {plain_name(video): value for video, value in named.items()}
    except (AttributeError, TypeError, KeyError, IndexError, ValueError) as error:
        raise ArchiveError(f"{member}: neither vectors by video name nor an ExpertStore ({error!r})") from None


def _publish(table: Table, origin: Origin, found: Sequence[_Found]) -> Origin:
    """The rows that are not there yet, part by part; the origin is finished last."""
    have = store.rows(table.folder).keys()
    for first in range(0, len(found), ROWS_PER_PART):
        new = [row for row in found[first : first + ROWS_PER_PART] if row[0] not in have]
        rows = [_row(*one) for one in new]
        parts.publish(table.folder, rows, [_features(block, table.dim) for _, block, _ in new], table.dim)
    every = [_row(*one) for one in found]
    origin.present = sum(row.count > 0 for row in every)
    origin.failed = sum(row.failed for row in every)
    origin.absent = len(every) - origin.present - origin.failed
    origin.finished = True
    _write(table.folder, origin)
    return origin


def _row(key: str, block: Vectors | None, reason: str) -> Row:
    return Row(key, 0 if block is None else len(block), failed="not finite" in reason, reason=reason)


def _features(block: Vectors | None, dim: int) -> Features:
    values = np.zeros((0, dim), np.float32) if block is None else block
    return Features(values, np.zeros((len(values), 2)))


def _write(folder: Path, origin: Origin) -> None:
    atomic.write_text(folder / "imports" / f"{origin.collection}.json", json.dumps(asdict(origin), indent=1))
