"""Which videos an earlier index has of the same rows of a store, so that what was made of these is copied. V videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.stores.keys import Sorted, pack
from search.index import made_of


@dataclass(frozen=True)
class EarlierRows:
    """The rows of an earlier index that were made of the same as the V videos of a new one."""

    index: Path
    """Folder of the earlier one."""
    rows: NDArray[np.int64]
    """(V,), the row of each video in it; -1 for one that is not there, or without vectors then or now."""


@dataclass(frozen=True)
class OfStore:
    """The rows of one store, of which an index is made."""

    expert: str
    store: Path
    keys: Sequence[str]
    """(V,), of the row of each video."""
    present: NDArray[np.bool_]
    """(V,), whether there are vectors of it."""


def find(folder: Path, version: int, wanted: OfStore, *files: str) -> EarlierRows | None:
    """Those of the newest finished index beside `folder` that the same version made, and whose `files` are whole.

    None where there is no such index, or it was made of another store.
    """
    found = made_of.newest(folder, version, *files)
    if found is None or found[1].stores.get(wanted.expert) != wanted.store.name:
        return None
    index, before = found
    packed = np.frombuffer(b"".join(before.keys[wanted.expert]), np.uint64).reshape(-1, 2)
    rows = Sorted(packed).find(pack(wanted.keys)[0])
    is_same = (rows >= 0) & before.present[wanted.expert][rows] & wanted.present
    return EarlierRows(index, np.where(is_same, rows, -1))
