"""Imports released features: from the pickles of an archive into the stores that extraction would fill.

There is no video to hash, so rows are keyed by collection and video name; their origin is recorded in the store.
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

from pipeline.datasets.names import plain_name
from pipeline.errors import ArchiveError
from pipeline.stores import damage, parts, places, store
from pipeline.stores.fingerprint import Recipe
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from pipeline.untrusted.archives import Unpacked
from pipeline.untrusted.unpickle import ExpertStore, load_pickle

IMPORTED = "imported"
"""Name of the module in extractors/ of experts and text encoders whose rows are imported."""

ROWS_PER_PART = 4096

Files = tuple[tuple[str, ...], ...]
"""Alternatives in order of preference; each is one or more patterns `folder/file`, all of which must be there."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """The store of an expert or a text encoder that is to be filled."""

    name: str
    folder: Path
    """Of the store."""
    recipe: Recipe
    dim: int
    files: Files


@dataclass
class Origin:
    """The source and the counts of a collection's rows in a store, saved as `imports/<collection>.json`."""

    collection: str
    archive: str
    members: tuple[str, ...]
    """Files of the archive."""
    digest: str
    """12 hex digits of a hash of the members' checksums."""
    present: int = 0
    absent: int = 0
    failed: int = 0
    finished: bool = False
    notes: list[str] = field(default_factory=list)


def row_key(collection: str, video_id: str) -> str:
    """32 hex digits: the key of the row of a video whose features are imported."""
    return hashlib.sha256(f"imported {collection} {plain_name(video_id)}".encode()).hexdigest()[:32]


def find(files: Files, members: Iterable[str]) -> list[str]:
    """The members that match the first complete alternative; empty when none is complete."""
    names = sorted(members)
    for alternative in files:
        matches = [next((name for name in names if fits(name, pattern)), None) for pattern in alternative]
        if all(matches):
            return [name for name in matches if name]
    return []


def fits(member: str, pattern: str) -> bool:
    """Whether the last parts of the member's path match the pattern; the folders above differ between releases."""
    depth = len(PurePosixPath(pattern).parts)
    return fnmatchcase("/".join(PurePosixPath(member).parts[-depth:]), pattern)


def origin_of(folder: Path, collection: str) -> Origin | None:
    """The origin of the collection's rows in the store `folder`, or None when nothing was imported.

    DamagedError when the file that tells it is damaged: the archive must then be imported again.
    """
    path = places.listed(folder) / "imports" / f"{collection}.json"
    try:
        return Origin(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise damage.unreadable(path, "the origin of imported features", error) from None


def begin(table: Table, collection: str, archive: str, members: Mapping[str, Unpacked]) -> Origin:
    """Records the origin of the rows to be written; ArchiveError when the store has those of another archive."""
    digest = hashlib.sha256("+".join(unpacked.sha256 for unpacked in members.values()).encode()).hexdigest()[:12]
    previous = origin_of(table.folder, collection)
    if previous and previous.digest != digest:
        raise ArchiveError(
            f"{table.name} holds {collection} from {previous.archive}, and this file of {archive} differs: delete "
            f"{table.folder} to take this one, or copy the expert's YAML under another name to have both"
        )
    origin = Origin(collection, archive, tuple(members), digest)
    _write(table.folder, origin)
    return origin


def import_features(table: Table, origin: Origin, members: Mapping[str, Unpacked], videos: Iterable[str]) -> Origin:
    """Writes a row for each video of the archive, and an absent row for each of `videos` that is not in it.

    Returns the finished origin. ArchiveError when the vectors have another length than the table's `dim`.
    """
    vectors = dict(_vectors(table, members))
    missing = f"not in {origin.archive}"
    names = [*vectors, *sorted({plain_name(video) for video in videos} - vectors.keys())]
    rows = [(row_key(origin.collection, name), *vectors.get(name, (None, missing))) for name in names]
    return _publish(table, origin, rows)


def import_texts(
    table: Table, origin: Origin, members: Mapping[str, Unpacked], keys: Mapping[str, Sequence[str]]
) -> Origin:
    """Writes a row for each caption; `keys`: video -> keys of its captions, or the one key of its fused caption.

    Videos whose numbers of captions differ are left out, with a note in the returned origin.
    """
    rows = []
    for video, value in _merged(members).items():
        captions, tokens = keys.get(video, ()), [_as_rows(block) for block in value]
        if len(captions) == 1 and len(tokens) > 1:
            tokens = [_joined(tokens)]
        if len(captions) != len(tokens):
            origin.notes += [f"{video}: {len(tokens)} captions in the features, {len(captions)} in the texts"]
            continue
        rows += [
            (key, block, "" if block is not None else "no tokens") for key, block in zip(captions, tokens, strict=True)
        ]
    return _publish(table, origin, list({row[0]: row for row in rows}.values()))


def fill_absent(folder: Path, dim: int, keys: Iterable[str]) -> None:
    """Writes absent rows for videos that were added to the dataset after the import."""
    rows = [Row(key, 0, reason="not in the imported features") for key in sorted(keys)]
    parts.publish(folder, rows, [_features(None, dim)] * len(rows), dim)


_Entry = tuple[str, Vectors | None, str]
"""(key of a row, its vectors (n, D) or None, the reason why there are none)"""


def _vectors(table: Table, members: Mapping[str, Unpacked]) -> Iterator[tuple[str, tuple[Vectors | None, str]]]:
    """(video, (its vectors or None, reason)) of each video; the members' vectors are concatenated along D."""
    loaded = [_by_name(load_pickle(unpacked.path, member), member) for member, unpacked in members.items()]
    for video in loaded[0]:
        blocks = [_as_rows(data.get(video)) for data in loaded]
        if any(block is None for block in blocks):
            yield video, (None, "")
            continue
        block = np.concatenate([block for block in blocks if block is not None], axis=1)
        if block.shape[1] != table.dim:
            raise ArchiveError(
                f"{', '.join(members)}: {video} has vectors of length {block.shape[1]}, expert {table.name} wants "
                f"{table.dim}"
            )
        finite = bool(np.isfinite(block).all())
        yield video, (block, "") if finite else (None, "some of its values are not finite")


def _as_rows(value: Any) -> Vectors | None:
    """The value as (n, D) float32; None for a missing one: None, a number (NaN), an empty or an all-NaN array."""
    if value is None or isinstance(value, (int, float)):
        return None
    block = np.asarray(value)
    if block.ndim not in {1, 2} or block.dtype.kind not in "fiu":
        raise ArchiveError(f"an array of shape {block.shape} and type {block.dtype} where vectors are expected")
    with np.errstate(over="ignore"):
        block = np.atleast_2d(block).astype(np.float32)
    return None if block.size == 0 or bool(np.isnan(block).all()) else block


def _joined(tokens: Sequence[Vectors | None]) -> Vectors | None:
    present = [block for block in tokens if block is not None]
    return np.concatenate(present) if present else None


def _merged(members: Mapping[str, Unpacked]) -> dict[str, list[Any]]:
    """The text features of all members, since releases often have a file per split."""
    merged: dict[str, list[Any]] = {}
    for member, unpacked in members.items():
        for video, value in _by_name(load_pickle(unpacked.path, member), member).items():
            merged[video] = list(value) if isinstance(value, (list, np.ndarray)) else []
    return merged


def _by_name(data: Any, member: str) -> dict[str, Any]:
    try:
        named = data.vectors() if isinstance(data, ExpertStore) else data
        return {plain_name(video): value for video, value in named.items()}
    except (AttributeError, TypeError, KeyError, IndexError, ValueError) as error:
        raise ArchiveError(f"{member}: neither vectors by video name nor an ExpertStore ({error!r})") from None


def _publish(table: Table, origin: Origin, entries: Sequence[_Entry]) -> Origin:
    """Writes the rows that are not in the store yet, part by part; the origin is marked as finished last."""
    stored = store.rows(table.folder).keys()
    for first in range(0, len(entries), ROWS_PER_PART):
        new = [entry for entry in entries[first : first + ROWS_PER_PART] if entry[0] not in stored]
        rows = [_row(*entry) for entry in new]
        parts.publish(table.folder, rows, [_features(block, table.dim) for _, block, _ in new], table.dim)
    all_rows = [_row(*entry) for entry in entries]
    origin.present = sum(row.count > 0 for row in all_rows)
    origin.failed = sum(row.failed for row in all_rows)
    origin.absent = len(all_rows) - origin.present - origin.failed
    origin.finished = True
    _write(table.folder, origin)
    return origin


def _row(key: str, block: Vectors | None, reason: str) -> Row:
    return Row(key, 0 if block is None else len(block), failed="not finite" in reason, reason=reason)


def _features(block: Vectors | None, dim: int) -> Features:
    values = np.zeros((0, dim), np.float32) if block is None else block
    return Features(values, np.zeros((len(values), 2)))


def _write(folder: Path, origin: Origin) -> None:
    places.write_text(folder / "imports" / f"{origin.collection}.json", json.dumps(asdict(origin), indent=1))
