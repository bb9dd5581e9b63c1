"""A copy of the indexes of all parts of a large store in one file, so that a look at it opens one file and not many.

The parts are what counts: the copy of a part's rows is used only while the part's own index has the size and date that
it had when it was read and found whole. The file may be deleted at any time; one that is damaged, of another version or
of other parts is not used, and written again. Of two processes that write it at once, one file stays, whole.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.errors import StoreError
from pipeline.stores import atomic
from pipeline.stores.part_index import FILE, FORMAT
from pipeline.stores.row_table import EMPTY, Table, merged

NAME = f"rows-{FORMAT}.1.npz"
"""Of the format of the parts and of this file: a program that knows another one does not see it."""

Stamp = tuple[int, int]
"""Size in bytes and date in ns of the index of a part; -1 where there is none."""


def stamp_of(part: str) -> Stamp:
    """The stamp of the part at this path."""
    try:
        stat = os.stat(f"{part}/{FILE}")  # noqa: PTH116 - of a hundred thousand parts
    except OSError:
        return -1, -1
    return stat.st_size, stat.st_mtime_ns


def load(folder: Path) -> tuple[Table, dict[str, Stamp]]:
    """The rows and stamps of those parts in the store's copy whose indexes are as they were; none without a copy."""
    try:
        with (folder / NAME).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            columns = {name: archive[name] for name in archive.files}  # which carry checksums
        told = json.loads(columns.pop("told").tobytes())
        stamps = dict(zip(told["parts"], map(tuple, columns.pop("stamps").tolist()), strict=True))
        others = {bytes.fromhex(packed): key for packed, key in told["others"].items()}
        table = Table(tuple(told["parts"]), texts=tuple(told["texts"]), others=others, **columns)
        _check(table)
    except Exception:  # whatever it is: the parts are read instead
        return EMPTY, {}
    same = {part: stamp for part, stamp in stamps.items() if stamp_of(f"{folder}/{part}") == stamp != (-1, -1)}
    return (table if len(same) == len(stamps) else merged([table], same.__contains__)), same


def save(folder: Path, table: Table, stamps: Mapping[str, Stamp]) -> None:
    """Writes the copy; `stamps`: those that the parts' indexes had before they were read. Without it all works too."""
    others = {packed.hex(): key for packed, key in table.others.items()}
    told = json.dumps({"parts": table.parts, "texts": table.texts, "others": others}).encode()
    with (
        contextlib.suppress(OSError, StoreError),
        atomic.replacing(folder / NAME) as written,
        written.open("wb") as file,
    ):
        np.savez(
            file,
            told=np.frombuffer(told, np.uint8),
            stamps=np.array([stamps[part] for part in table.parts], np.int64).reshape(-1, 2),
            first=table.first,
            keys=table.keys,
            counts=table.counts,
            failed=table.failed,
            reasons=table.reasons,
        )


def _check(table: Table) -> None:
    """ValueError where lengths do not fit, as another program might have written them."""
    num_rows, num_parts = len(table), len(table.parts)
    fits = [
        table.keys.shape == (num_rows, 2) and table.keys.dtype == np.uint64,
        table.failed.shape == table.reasons.shape == (num_rows,),
        table.first.shape == (num_parts + 1,),
        table.first[0] == 0 and table.first[-1] == num_rows,
        list(table.parts) == sorted(set(table.parts)),
    ]
    if not all(fits):
        raise ValueError("columns of different lengths")
