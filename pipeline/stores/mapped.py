"""Arrays that may be larger than memory: a large one lies in a file that is mapped, and of which the system keeps in
memory what is being read.

The file has no name: nobody else sees it, and its space is free when the array is gone, however the process ends.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.stores import atomic

HELD_BYTES = 1 << 28
"""Size up to which an array is held in memory."""

Block = tuple[int, NDArray[Any]]
"""Rows of an array, and the place of the first one."""


def filled(shape: tuple[int, int], blocks: Iterable[Block], folder: Path | None) -> NDArray[np.float32]:
    """(N, D) float32 of the blocks, which are all of its rows in any order; in a file if it is large.

    `folder`: on whose disk the file lies, in that of temporary files if nothing can be written there; None: in memory,
    however large. StoreError where the disk is full.
    """
    if folder is None or 4 * shape[0] * shape[1] <= HELD_BYTES:
        values = np.empty(shape, np.float32)
        for start, block in blocks:
            values[start : start + len(block)] = block
        return values
    file, where = _nameless(folder)
    with file:
        _write(file, shape[1], blocks, where)
        # Not read-only: of such arrays PyTorch warns. What is written to it would change the nameless file alone.
        return np.asarray(np.memmap(file, np.float32, "r+", shape=shape))


def runs(places: NDArray[np.int64], spans: NDArray[np.int64]) -> Iterator[tuple[int, slice]]:
    """(first place, slice) of each run of places that follow one another and whose spans (n, 2) do so too."""
    apart = (np.diff(places) != 1) | (spans[1:, 0] != spans[:-1, 1])
    first = np.flatnonzero(np.concatenate([[True], apart]))
    last = np.append(first[1:], len(places)) - 1
    for place, start, end in zip(
        places[first].tolist(), spans[first, 0].tolist(), spans[last, 1].tolist(), strict=True
    ):
        yield place, slice(start, end)


def _nameless(folder: Path) -> tuple[IO[bytes], Path]:
    """A file without a name, and the folder on whose disk it lies; StoreError where there can be none."""
    try:
        # Where a file must have a name for a moment, it is one by which CollectGarbage knows what was abandoned.
        return tempfile.TemporaryFile(dir=folder, prefix=atomic.TEMPORARY, buffering=0), folder
    except OSError as error:
        told = error.strerror or error
    try:
        return tempfile.TemporaryFile(buffering=0), Path(tempfile.gettempdir())
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be written: {told}, nor can a folder of temporary files: {error.strerror or error}; "
            "set TMPDIR to a folder on a large disk"
        ) from None


def _write(file: IO[bytes], dim: int, blocks: Iterable[Block], where: Path) -> None:
    # Written, and not through the map: there a full disk would end the process without a word.
    for start, block in blocks:
        left = np.ascontiguousarray(block, np.float32).reshape(-1).view(np.uint8)
        try:
            file.seek(4 * dim * start)
            while left.size:
                left = left[file.write(left.data) :]
        except OSError as error:
            raise StoreError(
                f"{where}: no room for a copy of the features that are read: {error.strerror or error}; "
                "free some space and run again"
            ) from error
