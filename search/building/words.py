"""Writes the words of an index; those of videos that an earlier index has are taken from there, in their indexed form.

The words of a row of a store never change, and reading and indexing them takes the longest of all that is written
without a network. So the file of the newest index beside it is copied, documents of videos that are gone are deleted,
those of videos in other rows are moved, and only new ones are read. Where that index is damaged or gone, or little of
it is left, all are read.
"""

import itertools
import shutil
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import DatabaseError

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.stores import store
from pipeline.stores.keys import Keys
from pipeline.stores.row_table import Held
from search.building.expert_words import read_some, rows_by_key
from search.engines import fulltext
from search.index import made_of
from search.index.made_of import MadeOf

FILE = "words.sqlite"


def write(folder: Path, version: int, stores: Mapping[str, Path], keys: Mapping[str, Sequence[str]]) -> int:
    """Writes FILE into the index at `folder`; returns how many documents were taken from an earlier index.

    `keys`: expert -> key of the row in its store of each of V videos.
    """
    # A row that an earlier index has words of may have failed since.
    present = {name: Held(store.table(path), Keys(keys[name])).is_present for name, path in stores.items()}
    found = made_of.newest(folder, version, FILE)
    if found:
        try:
            if num_kept := _changed(folder / FILE, *found, stores, keys, present):
                return num_kept
        except (DatabaseError, StoreError, OSError):
            # Deleted meanwhile, for one. A store that is damaged says so again below.
            (folder / FILE).unlink(missing_ok=True)
    rows = {name: np.flatnonzero(of_expert).tolist() for name, of_expert in present.items()}
    fulltext.build(folder / FILE, read_some(stores, rows_by_key(keys, rows)))
    return 0


def _changed(
    path: Path,
    index: Path,
    before: MadeOf,
    stores: Mapping[str, Path],
    keys: Mapping[str, Sequence[str]],
    present: Mapping[str, NDArray[np.bool_]],
) -> int:
    """Writes the words of the rows of the index from those of the earlier `index`; returns how many documents it took.

    0, and writes nothing, where none can be kept, or fewer than must be deleted.
    """
    same = [name for name in before.stores if name in stores and stores[name].name == before.stores[name]]
    said = {name: set[bytes]() for name in stores}
    sources = fulltext.sources(index / FILE)
    for _, row, expert in sources:
        if expert in same:
            said[expert].add(before.keys[expert][row])
    silent = {name: _present(before, name) - said[name] for name in same}
    rest = {name: _Rows.of(keys[name], present[name], said[name], silent.get(name, frozenset())) for name in stores}
    moved, gone, num_kept = dict[int, int](), list[int](), 0
    for number, row, expert in sources:
        now = rest[expert].take(before.keys[expert][row], row) if expert in same else None
        if now is None:
            gone.append(number)
            continue
        num_kept += 1
        if now != row:
            moved[number] = now
    if not num_kept or num_kept < len(gone):
        return 0
    shutil.copyfile(index / FILE, path)
    lacking = rows_by_key(keys, {name: rows.left for name, rows in rest.items()})
    fulltext.change(path, moved, gone, read_some(stores, lacking))
    return num_kept


@dataclass(frozen=True)
class _Rows:
    """The rows of the index of which one expert has vectors, and of which it is not known that they have no words."""

    said: dict[bytes, list[int]]
    """16 bytes of the key of a document in the earlier index -> the rows with this key that have no document yet."""
    new: list[int]
    """The rows whose keys the earlier index did not have."""

    @classmethod
    def of(cls, keys: Sequence[str], present: NDArray[np.bool_], said: Set[bytes], silent: Set[bytes]) -> "_Rows":
        rows: dict[bytes, list[int]] = {key: [] for key in said}
        new = list[int]()
        for row, (key, is_there) in enumerate(zip(made_of.packed(keys), present.tolist(), strict=True)):
            if is_there and key not in silent:
                rows.get(key, new).append(row)
        return cls(rows, new)

    def take(self, key: bytes, row: int) -> int | None:
        """The row that gets a document with this key: its own one, if that has the key still; None where none does."""
        rows = self.said[key]
        return rows.pop(rows.index(row) if row in rows else 0) if rows else None

    @property
    def left(self) -> list[int]:
        """The rows whose words are to be read."""
        return sorted(itertools.chain(self.new, *self.said.values()))


def _present(before: MadeOf, expert: str) -> set[bytes]:
    """The keys of the rows with vectors, in which the earlier index found no word unless it has a document of them."""
    return set(itertools.compress(before.keys[expert], before.present[expert].tolist()))
