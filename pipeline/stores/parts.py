"""Reads and writes the parts of a feature store as Zarr groups.

A part is a Zarr v3 group: `values` (N, D) float32, `times_s` (N, 2) float64, `offsets` (V + 1,) int64, and the extras
of the expert (`text`, `confidence`, `box_px` ...), each of length N. Its attributes list the V rows and the arrays,
with a checksum. Each array is one uncompressed chunk with a checksum.
"""

import functools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DamagedError, StoreError
from pipeline.stores import damage, places, store, zarr_library
from pipeline.stores.keys import pack
from pipeline.stores.mapped import Block, filled, runs
from pipeline.stores.ragged import Ragged
from pipeline.stores.raw_array import read_raw, write_group, write_raw
from pipeline.stores.store import Row


@dataclass(frozen=True)
class Features:
    """The feature vectors of one row, with their times and extras."""

    values: NDArray[np.float32]
    """(n, D)"""
    times_s: NDArray[np.float64]
    """(n, 2), start and end of each vector."""
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Name -> (n, ...), e.g. the recognised words and their confidences; none where n is 0."""


def publish(folder: Path, rows: Sequence[Row], features: Sequence[Features], dim: int) -> list[Path]:
    """Writes the rows as new parts: one for the good rows, one for the failed ones. Returns the paths of the parts.

    StoreError when the disk cannot be written; nothing of the part then stays.
    """
    written = []
    for failed in (False, True):
        chosen = [index for index, row in enumerate(rows) if row.failed == failed]
        if chosen:
            written.append(_publish(folder, [rows[i] for i in chosen], [features[i] for i in chosen], dim))
    return written


def _publish(folder: Path, rows: Sequence[Row], features: Sequence[Features], dim: int) -> Path:
    temporary, final = store.new_part(folder)
    try:
        arrays = _arrays([row.count for row in rows], features, dim)
        write_group(temporary, store.attributes(rows, arrays))
        for name, array in arrays.items():
            _put(temporary, name, array)
        places.publish(temporary, final)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be written: {error.strerror or error}; free some space and run again"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return final


def _arrays(counts: Sequence[int], features: Sequence[Features], dim: int) -> dict[str, NDArray[Any]]:
    """Name -> array of a part."""
    arrays = {
        "offsets": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "values": _join([item.values for item in features], (dim,), np.float32),
        "times_s": _join([item.times_s for item in features], (2,), np.float64),
    }
    for name in sorted({name for item in features for name in item.extras}):
        extra = np.concatenate([item.extras[name] for item in features if name in item.extras])
        if len(extra) != sum(counts):
            raise ValueError(f"{name!r}: {len(extra)} values for {sum(counts)} vectors")
        arrays[name] = extra
    return arrays


def _join(blocks: Sequence[NDArray[Any]], shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.zeros((0, *shape), dtype), *(np.asarray(block, dtype) for block in blocks)])


def _put(part: Path, name: str, data: NDArray[Any]) -> None:
    if write_raw(part / name, data):
        return
    group = zarr_library.load().open_group(part, mode="r+")
    from zarr.codecs import Crc32cCodec

    if data.dtype.kind == "U":
        data = data.astype(np.dtypes.StringDType())  # the Zarr 3 specification has no fixed-width text
    # One chunk, no compressor: the file is the raw array and 4 bytes of checksum, so that it can be memory-mapped.
    # Empty chunks are written too, so that a missing file is an error and never read as zeros.
    form = {"shape": data.shape, "dtype": data.dtype, "chunks": tuple(max(1, length) for length in data.shape)}
    array = group.create_array(name, **form, compressors=[Crc32cCodec()], config={"write_empty_chunks": True})
    if len(data):
        array[:] = data


@functools.lru_cache(maxsize=256)
def _open(part: Path) -> Any:
    return zarr_library.load().open_group(part, mode="r")


def read_array(part: Path, name: str) -> NDArray[Any] | None:
    """One array of a part, None when it has no such array; DamagedError when its bytes are missing or damaged."""
    try:
        _fetch([part], name)
        plain = read_raw(part / name)
        if plain is not None:
            return plain
        group = _open(part)
        if name not in group:
            return None
        array = group[name]
        if array.size and not any(path.is_file() for path in (part / name / "c").rglob("*")):
            raise DamagedError(part, f"the bytes of {name!r} are gone")
        return np.asarray(array[:])
    except StoreError:
        raise
    except (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        raise damage.unreadable(part, repr(name), error) from error


def _fetch(parts: Sequence[Path], name: str) -> None:
    """Brings one array of some parts of a store to this disk at once, where the store lies elsewhere."""
    place = places.place_of(parts[0].parent) if parts else None
    if place is not None and place.is_remote:
        place.fetch([part / name for part in parts if name in store.arrays_of(part)])


def read(folder: Path, keys: Sequence[str], dim: int) -> Ragged:
    """The values of the rows with these keys, in that order; StoreError when one is not in the store."""
    return Reader(folder).values(keys, dim)


def read_features(folder: Path, key: str) -> Features | None:
    """The features of one row with times and extras, or None when the store does not have it."""
    return Reader(folder).features(key)


class Reader:
    """Random access to the rows of a store as they are when it is made; a good row takes precedence over a failed one.

    Methods that take several keys return the rows in the order of the keys, and raise StoreError when one is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._table = folder, store.table(folder)
        self._part = ""
        self._arrays: dict[str, NDArray[Any]] = {}

    def count(self, key: str) -> int:
        """The number of vectors in the row."""
        return int(self.counts([key])[0])

    def counts(self, keys: Sequence[str]) -> NDArray[np.int32]:
        """The number of vectors in each row."""
        return self._table.counts[self._rows_of(keys)]

    def values(self, keys: Sequence[str], dim: int) -> Ragged:
        """(n, D) of each row; in a file that is mapped into memory, if they are large."""
        return self._ragged("values", keys, dim)

    def times_s(self, keys: Sequence[str]) -> Ragged:
        """(n, 2) of each row, start and end."""
        return self._ragged("times_s", keys, 2)

    def beside(self, name: str, keys: Sequence[str]) -> Ragged:
        """(n, K) of each row, of the numbers called `name` beside the vectors; K is 0 where no row has a vector."""
        rows = self._rows_of(keys)
        arrays = self._arrays_of(rows[self._table.counts[rows] > 0], name)  # a part of empty rows has no extras
        width = next((array.shape[1] for array in arrays.values()), 0)
        empty = np.zeros((0, width), np.float32)
        return Ragged.stack([arrays[part][span] if part in arrays else empty for part, span in self._at(rows)], width)

    def features(self, key: str) -> Features | None:
        """The features of a row with times and extras, or None when the store does not have it.

        A row without vectors has no extras, whichever rows share its part: a part of empty rows alone has none either.
        Keeps the arrays of the last part, so it is fastest when rows of one part are asked for in a row.
        """
        (place,) = self._find([key])
        if place < 0:
            return None
        ((number, span),) = self._at(np.array([place]))
        part = self._table.parts[number]
        if part != self._part:
            names = {"values", "times_s", *store.arrays_of(self._folder / part)} - {"offsets"}
            self._part, self._arrays = part, {name: self._array(number, name) for name in names}
        arrays = {name: array[span] for name, array in self._arrays.items()}
        values, times_s = arrays.pop("values"), arrays.pop("times_s")
        return Features(values, times_s, arrays if len(values) else {})

    def _ragged(self, name: str, keys: Sequence[str], dim: int) -> Ragged:
        rows = self._rows_of(keys)
        offsets = np.concatenate([[0], np.cumsum(self._table.counts[rows], dtype=np.int64)])
        values = filled((int(offsets[-1]), dim), self._blocks(name, rows, offsets, dim), self._folder)
        return Ragged(values, offsets, self._folder)

    def _blocks(self, name: str, rows: NDArray[np.int64], offsets: NDArray[np.int64], dim: int) -> Iterator[Block]:
        """(its offset, vectors) of each row, part by part: of the parts, one at a time is in memory."""
        spans, groups = self._table.spans(rows), list(self._table.by_part(rows))
        _fetch([self._folder / self._table.parts[number] for number, _ in groups], name)
        for number, mine in groups:
            array = self._array(number, name)
            if (found := array.shape[1]) != dim:
                where = self._folder / self._table.parts[number]
                raise StoreError(f"{where}: vectors of length {found}, expected {dim}")
            for place, span in runs(mine, spans[mine]):
                yield int(offsets[place]), array[span]

    def _find(self, keys: Sequence[str]) -> NDArray[np.int64]:
        return self._table.sorted.find(pack(keys)[0])

    def _rows_of(self, keys: Sequence[str]) -> NDArray[np.int64]:
        rows = self._find(keys)
        if missing := {keys[number] for number in np.flatnonzero(rows < 0).tolist()}:
            some = f"{len(missing)} rows are not there, e.g. {min(missing)}"
            raise StoreError(f"{self._folder}: {some}; run the extraction again")
        return rows

    def _at(self, rows: NDArray[np.int64]) -> list[tuple[int, slice]]:
        """For each row: the number of its part, and its slice of the part's arrays."""
        numbers, spans = self._table.parts_of(rows).tolist(), self._table.spans(rows).tolist()
        return [(number, slice(*span)) for number, span in zip(numbers, spans, strict=True)]

    def _arrays_of(self, rows: NDArray[np.int64], name: str) -> dict[int, NDArray[Any]]:
        """Number of a part -> its array `name`, for all parts of these rows."""
        numbers = sorted(set(self._table.parts_of(rows).tolist()))
        _fetch([self._folder / self._table.parts[number] for number in numbers], name)
        return {number: self._array(number, name) for number in numbers}

    def _array(self, number: int, name: str) -> NDArray[Any]:
        """An array of a part; DamagedError when it is missing or its length differs from the sum of the row counts."""
        part, length = self._folder / self._table.parts[number], self._table.num_vectors(number)
        array = read_array(part, name)
        if array is None or len(array) != length:
            raise DamagedError(part, f"{name!r} is not there, or not {length} long")
        return array
