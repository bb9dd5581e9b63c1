"""Which rows of the stores an index was made of, so that the next one need not read again what has not changed.

rows.npz    for each expert: the key of the row of each of V videos, and whether it has vectors; the names of the stores
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.stores import atomic, places, recipes
from pipeline.stores.keys import pack

FILE = "rows.npz"


@dataclass(frozen=True)
class MadeOf:
    """What an index was made of: of each expert the store, and the rows of its V videos."""

    version: int
    """Of the code that made it."""
    stores: dict[str, str]
    """Expert -> name of the folder of its store, which is the fingerprint of its recipe."""
    keys: dict[str, list[bytes]]
    """Expert -> 16 bytes of the key of each video's row."""
    present: dict[str, NDArray[np.bool_]]
    """Expert -> (V,), whether the row has vectors."""


def packed(keys: Sequence[str]) -> list[bytes]:
    """The keys in 16 bytes each."""
    found: list[bytes] = pack(keys)[0].view("V16").ravel().tolist()
    return found


def write(
    folder: Path,
    version: int,
    stores: Mapping[str, Path],
    keys: Mapping[str, Sequence[str]],
    present: Mapping[str, NDArray[np.bool_]],
) -> None:
    """Writes FILE into the folder of an index."""
    names = json.dumps({"version": version, "stores": {name: path.name for name, path in stores.items()}})
    arrays: dict[str, NDArray[Any]] = {f"{name}.keys": pack(of_expert)[0] for name, of_expert in keys.items()}
    arrays |= {f"{name}.present": present[name] for name in keys}
    np.savez(folder / FILE, allow_pickle=False, made_of=np.array(names), **arrays)


def newest(folder: Path, version: int, *needed: str) -> tuple[Path, MadeOf] | None:
    """The newest finished index beside `folder` that the same version made, whose files `needed` are as they were."""
    beside = [
        path
        for path in places.listed(folder.parent).glob(f"*/{recipes.NAME}")
        if not path.parent.name.startswith(atomic.TEMPORARY) and path.parent != folder
    ]
    for path in sorted(beside, key=made_ns, reverse=True):
        found = _read(path.parent, needed)
        if found and found.version == version:
            return path.parent, found
    return None


def made_ns(path: Path) -> int:
    """When a file was written; 0 where it was deleted meanwhile, as CollectGarbage does, which `_read` finds too."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(index: Path, needed: Sequence[str]) -> MadeOf | None:
    """None where it is not finished, has no FILE, or is damaged."""
    try:
        if recipes.check_files(index, (FILE, *needed)) is None:
            return None
        with np.load(index / FILE, allow_pickle=False) as arrays:
            told = json.loads(str(arrays["made_of"]))
            names = list(told["stores"])
            keys = {name: arrays[f"{name}.keys"].view("V16").ravel().tolist() for name in names}
            return MadeOf(told["version"], told["stores"], keys, {name: arrays[f"{name}.present"] for name in names})
    except (StoreError, OSError, ValueError, KeyError):
        return None
