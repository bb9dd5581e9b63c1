"""The rows of a feature store, read from the indexes of its parts without opening an array.

A store is a folder of immutable parts, `part-<id>.zarr`, each published by one rename. The Zarr attributes of a part
list its rows and arrays (`part_index.py`), so a few small JSON files tell what the store holds. The arrays themselves
are read by `parts.py`. A process reads each index once: its rows are kept as columns (`row_table.py`), and of a large
store in a file too (`row_cache.py`).
"""

import fnmatch
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.stores import atomic, places, row_cache
from pipeline.stores.part_index import FORMAT, Row, attributes, read_index
from pipeline.stores.row_table import EMPTY, Table, merged, table_of

__all__ = [
    "FORMAT",
    "Row",
    "arrays_of",
    "attributes",
    "forget",
    "forget_scans",
    "new_part",
    "parts",
    "rows",
    "rows_of",
    "table",
]

COPIED_PARTS, COPIED_ROWS = 64, 4096
"""From so many parts or rows on that no copy in one file has (`row_cache.py`), one is written; fewer are read fast.

Each command reads them anew: the indexes of 161 parts with 10,000 rows take 31 CPU ms, and their copy takes 2.
"""

KEPT_ROWS = 40_000_000
"""Rows of all stores that are kept in memory, some 40 bytes each; those looked at least lately go first."""

KEPT_LISTS = 64
"""Stores whose names of parts are kept, some 100 bytes each."""

BLOCK = 4096
"""Parts whose rows are objects at once, before they become columns."""

_lists: dict[Path, tuple[list[str], tuple[str, ...]]] = {}
"""Store -> all names in it as they were listed last, and those of its parts, sorted."""

_scans: dict[Path, Table] = {}
"""Store -> its rows as this process read them last."""


def rows(folder: Path) -> dict[str, Row]:
    """All rows of the store by key; empty when there is no store. A good row takes precedence over a failed one.

    An object for each row: for a look at a large store, take `table`.
    """
    found = table(folder)
    return {row.key: row for row in found.rows(found.best)}


def table(folder: Path) -> Table:
    """All rows of the store as columns; the same object as before while there are the same parts.

    Reads the indexes of those parts that are new. DamagedError when one of them is damaged, NewerVersionError when a
    newer version of the program wrote it; those that were read until then are kept.
    """
    known, names = _scans.pop(folder, EMPTY), _listed(folder)
    _scans[folder] = known  # at the end, as the one looked at last
    if known.parts != names:
        known = _scanned(folder, known, names)
    while sum(map(len, _scans.values())) > KEPT_ROWS and len(_scans) > 1:
        del _scans[next(iter(_scans))]
    return known


def _scanned(folder: Path, known: Table, names: tuple[str, ...]) -> Table:
    """The rows of the parts with these names; of those that are not `known`, the indexes are read."""
    is_first, stamps, wanted = known is EMPTY, dict[str, row_cache.Stamp](), set(names)
    if is_first and names:
        known, stamps = row_cache.load(folder)
    new, num_copied = [name for name in names if name not in known.numbers], len(known)
    for first in range(0, max(1, len(new)), BLOCK):
        read: list[tuple[str, tuple[Row, ...]]] = []
        try:
            for name in new[first : first + BLOCK]:
                stamps[name] = row_cache.stamp_of(f"{folder}/{name}")
                read.append((name, read_index(folder / name)[0]))
        finally:
            known = _scans[folder] = merged([known, table_of(read)], wanted.__contains__)
    if is_first and (len(new) >= COPIED_PARTS or len(known) - num_copied >= COPIED_ROWS):
        row_cache.save(folder, known, stamps)
    return known


def _listed(folder: Path) -> tuple[str, ...]:
    """Names of the published parts, sorted: the one place that looks what there is."""
    try:
        names = os.listdir(places.listed(folder))  # noqa: PTH208 - asked very often
        if folder not in _lists or _lists[folder][0] != names:
            _lists[folder] = names, tuple(sorted(fnmatch.filter(names, "part-*.zarr")))
            while len(_lists) > KEPT_LISTS:
                del _lists[next(iter(_lists))]
        return _lists[folder][1]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read: {error.strerror or error}") from None


def parts(folder: Path) -> list[Path]:
    """Paths of the published parts of a store, sorted by name."""
    return [folder / name for name in _listed(folder)]


def rows_of(part: Path) -> tuple[Row, ...]:
    """The rows of one part, in the order of its arrays; errors as of `table`."""
    known = _scans.get(part.parent, EMPTY)
    return tuple(known.rows_of(part.name)) if part.name in known.numbers else read_index(part)[0]


def arrays_of(part: Path) -> tuple[str, ...]:
    """The names of a part's arrays; those that are there where its index does not list them. Errors as of `table`."""
    told = read_index(part)[1]
    return told or tuple(sorted(entry.name for entry in places.fetched(part).iterdir() if entry.is_dir()))


def forget_scans() -> None:
    """Forgets what this process has read of all stores, as a new process would know nothing."""
    _scans.clear()
    _lists.clear()


def spans(part: Path) -> Iterator[tuple[Row, slice]]:
    """Each row of a part with its slice of the part's arrays."""
    start = 0
    for row in rows_of(part):
        yield row, slice(start, start + row.count)
        start += row.count


def new_part(folder: Path) -> tuple[Path, Path]:
    """Paths of a new part: the temporary one to write to, and the final one to rename it to."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"part-{uuid.uuid4().hex[:12]}.zarr"
    return atomic.temporary(final), final


def forget(folder: Path, keys: Iterable[str]) -> int:
    """Deletes the parts that hold only failed rows and one of `keys` or more; returns the number of rows deleted.

    Failed rows are published in separate parts (see `parts.publish`), so no good row is lost.
    """
    forgotten, num_deleted, found = set(keys), 0, table(folder)
    for name in found.failed_parts:
        part_rows = found.rows_of(name)
        if forgotten & {row.key for row in part_rows}:
            places.remove(folder / name)
            num_deleted += len(part_rows)
    return num_deleted
