"""Writes the words of an index; those of videos that an earlier index has are taken from there, in their indexed form.

The words of a row of a store never change, and reading and indexing them takes the longest of all that is written
without a network. So the file of the newest index beside it is copied, documents of videos that are gone are deleted,
those of videos in other rows are moved, and only new ones are read. Where that index is damaged or gone, or little of
it is left, all are read.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from sqlite3 import DatabaseError

from pipeline.errors import StoreError
from pipeline.stores import store
from pipeline.stores.keys import Keys
from pipeline.stores.row_table import Held
from search.building.expert_words import Wanted, read_some, rows_by_key
from search.engines import fulltext
from search.index import made_of
from search.index.made_of import MadeOf

FILE = "words.sqlite"


def write(folder: Path, version: int, stores: Mapping[str, Path], keys: Mapping[str, Sequence[str]]) -> int:
    """Writes FILE into the index at `folder`; returns how many documents were taken from an earlier index.

    `keys`: expert -> key of the row in its store of each of V videos.
    """
    wanted = {name: _with_vectors(stores[name], of_expert) for name, of_expert in rows_by_key(keys).items()}
    found = made_of.newest(folder, version, FILE)
    if found:
        try:
            if num_kept := _changed(folder / FILE, *found, stores, wanted):
                return num_kept
        except (DatabaseError, StoreError, OSError):
            # Deleted meanwhile, for one. A store that is damaged says so again below.
            (folder / FILE).unlink(missing_ok=True)
    fulltext.build(folder / FILE, read_some(stores, wanted))
    return 0


def _changed(path: Path, index: Path, before: MadeOf, stores: Mapping[str, Path], wanted: Wanted) -> int:
    """Writes the words of `wanted` from those of the earlier `index`; returns how many documents are taken from it.

    0, and writes nothing, where none can be kept, or fewer than must be deleted.
    """
    same = [name for name in before.stores if name in stores and stores[name].name == before.stores[name]]
    rest = {name: _by_packed(of_expert) for name, of_expert in wanted.items()}
    moved, gone, spoken, num_kept = dict[int, int](), list[int](), {name: set[bytes]() for name in wanted}, 0
    for number, row, expert in fulltext.sources(index / FILE):
        key = before.keys[expert][row] if expert in same else b""
        _, rows = rest.get(expert, {}).get(key, ("", []))
        if not rows:
            gone.append(number)
            continue
        now = rows.pop(rows.index(row) if row in rows else 0)
        spoken[expert].add(key)
        num_kept += 1
        if now != row:
            moved[number] = now
    if not num_kept or num_kept < len(gone):
        return 0
    silent = {name: _present(before, name) - spoken[name] for name in same}
    lacking = {
        name: {key: rows for packed, (key, rows) in of_expert.items() if rows and packed not in silent.get(name, ())}
        for name, of_expert in rest.items()
    }
    shutil.copyfile(index / FILE, path)
    fulltext.change(path, moved, gone, read_some(stores, lacking))
    return num_kept


def _with_vectors(path: Path, rows: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """Those of the rows that the store has vectors of: one that an earlier index has words of may have failed since."""
    is_present = Held(store.table(path), Keys(rows)).is_present.tolist()
    return {key: of_key for (key, of_key), is_there in zip(rows.items(), is_present, strict=True) if is_there}


def _by_packed(of_expert: Mapping[str, Sequence[int]]) -> dict[bytes, tuple[str, list[int]]]:
    """16 bytes of a key -> the key, and the rows of the index that want it."""
    pairs = zip(made_of.packed(list(of_expert)), of_expert.items(), strict=True)
    return {packed: (key, list(rows)) for packed, (key, rows) in pairs}


def _present(before: MadeOf, expert: str) -> set[bytes]:
    """The keys of the rows with vectors, in which the earlier index found no word unless it has a document of them."""
    return {key for key, is_there in zip(before.keys[expert], before.present[expert].tolist(), strict=True) if is_there}
