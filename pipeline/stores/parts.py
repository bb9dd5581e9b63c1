"""Reads and writes the parts of a feature store as Zarr groups.

A part is a Zarr v3 group: `values` (N, D) float32, `times_s` (N, 2) float64, `offsets` (V + 1,) int64, and the extras
of the expert (`text`, `confidence`, `box_px` ...), each of length N. Its attributes list the V rows and the arrays,
with a checksum. Each array is one uncompressed chunk with a checksum.
"""

import functools
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DamagedError, StoreError
from pipeline.stores import damage, places, store
from pipeline.stores.ragged import Ragged
from pipeline.stores.store import Row


@dataclass(frozen=True)
class Features:
    """The feature vectors of one row, with their times and extras."""

    values: NDArray[np.float32]
    """(n, D)"""
    times_s: NDArray[np.float64]
    """(n, 2), start and end of each vector."""
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Name -> (n, ...), e.g. the recognised words and their confidences."""


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
    import zarr

    temporary, final = store.new_part(folder)
    try:
        arrays = _arrays([row.count for row in rows], features, dim)
        group = zarr.create_group(temporary, attributes=store.attributes(rows, arrays))
        for name, array in arrays.items():
            _put(group, name, array)
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


def _put(group: Any, name: str, data: NDArray[Any]) -> None:
    from zarr.codecs import Crc32cCodec

    if data.dtype.kind == "U":
        data = data.astype(np.dtypes.StringDType())  # the Zarr 3 specification has no fixed-width text
    # One chunk, no compressor: the file is the raw array and 4 bytes of checksum, so that it can be memory-mapped.
    # Empty chunks are written too, so that a missing file is an error and never read as zeros.
    chunks = tuple(max(1, length) for length in data.shape)
    array = group.create_array(
        name,
        shape=data.shape,
        dtype=data.dtype,
        chunks=chunks,
        compressors=[Crc32cCodec()],
        config={"write_empty_chunks": True},
    )
    if len(data):
        array[:] = data


@functools.lru_cache(maxsize=256)
def _open(part: Path) -> Any:
    import zarr

    return zarr.open_group(part, mode="r")


def read_array(part: Path, name: str) -> NDArray[Any] | None:
    """One array of a part, None when it has no such array; DamagedError when its bytes are missing or damaged."""
    try:
        if name in store.arrays_of(part):
            places.fetched(part / name)
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


def read(folder: Path, keys: Sequence[str], dim: int) -> Ragged:
    """The values of the rows with these keys, in that order; StoreError when one is not in the store."""
    return Reader(folder).values(keys, dim)


def read_features(folder: Path, key: str) -> Features | None:
    """The features of one row with times and extras, or None when the store does not have it."""
    return Reader(folder).features(key)


class Reader:
    """Random access to the rows of a store, whose index is read once.

    Methods that take several keys return the rows in the order of the keys, and raise StoreError when one is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locations: dict[str, tuple[Path, slice]] = {}
        for part, row, span in _spans(folder):
            self._locations.setdefault(row.key, (part, span))
        self._part: Path | None = None
        self._arrays: dict[str, NDArray[Any]] = {}

    def count(self, key: str) -> int:
        """The number of vectors in the row."""
        ((_, span),) = self._locations_of([key])
        return int(span.stop - span.start)

    def values(self, keys: Sequence[str], dim: int) -> Ragged:
        """(n, D) of each row."""
        return self._ragged("values", keys, dim)

    def times_s(self, keys: Sequence[str]) -> Ragged:
        """(n, 2) of each row, start and end."""
        return self._ragged("times_s", keys, 2)

    def beside(self, name: str, keys: Sequence[str]) -> Ragged:
        """(n, K) of each row, of the numbers called `name` beside the vectors; K is 0 where no row has a vector."""
        locations = self._locations_of(keys)
        filled = dict.fromkeys(part for part, span in locations if span.stop > span.start)
        self._fetch(filled, name)
        arrays = {part: _required_array(part, name) for part in filled}  # a part of empty rows has no extras
        width = next((array.shape[1] for array in arrays.values()), 0)
        empty = np.zeros((0, width), np.float32)
        return Ragged.stack([arrays[part][span] if part in arrays else empty for part, span in locations], width)

    def features(self, key: str) -> Features | None:
        """The features of a row with times and extras, or None when the store does not have it.

        Keeps the arrays of the last part, so it is fastest when rows of one part are asked for in a row.
        """
        if key not in self._locations:
            return None
        part, span = self._locations[key]
        if part != self._part:
            names = {"values", "times_s", *store.arrays_of(part)} - {"offsets"}
            self._part, self._arrays = part, {name: _required_array(part, name) for name in names}
        arrays = {name: array[span] for name, array in self._arrays.items()}
        return Features(arrays.pop("values"), arrays.pop("times_s"), arrays)

    def _ragged(self, name: str, keys: Sequence[str], dim: int) -> Ragged:
        locations = self._locations_of(keys)
        wanted = dict.fromkeys(part for part, _ in locations)
        self._fetch(wanted, name)
        arrays = {part: _required_array(part, name) for part in wanted}
        for part, array in arrays.items():
            if array.shape[1] != dim:
                raise StoreError(f"{part}: vectors of length {array.shape[1]}, expected {dim}")
        return Ragged.stack([arrays[part][span] for part, span in locations], dim)

    def _fetch(self, wanted: Iterable[Path], name: str) -> None:
        """Brings one array of many parts to this disk at once, where the store lies elsewhere."""
        places.place_of(self._folder).fetch([part / name for part in wanted if name in store.arrays_of(part)])

    def _locations_of(self, keys: Sequence[str]) -> list[tuple[Path, slice]]:
        missing = set(keys) - self._locations.keys()
        if missing:
            raise StoreError(
                f"{self._folder}: {len(missing)} rows are not there, e.g. {min(missing)}; run the extraction again"
            )
        return [self._locations[key] for key in keys]


def _required_array(part: Path, name: str) -> NDArray[Any]:
    """An array of the part; DamagedError when it is missing or its length differs from the sum of the row counts."""
    array = read_array(part, name)
    length = sum(row.count for row in store.rows_of(part))
    if array is None or len(array) != length:
        raise DamagedError(part, f"{name!r} is not there, or not {length} long")
    return array


def spans(part: Path) -> Iterator[tuple[Row, slice]]:
    """Each row of a part with its slice of the part's arrays."""
    start = 0
    for row in store.rows_of(part):
        yield row, slice(start, start + row.count)
        start += row.count


def _spans(folder: Path) -> list[tuple[Path, Row, slice]]:
    """Each row of the store with its part and slice; failed rows last, so that a good row of the same key is first."""
    entries = [(part, row, span) for part in store.parts(folder) for row, span in spans(part)]
    return sorted(entries, key=lambda entry: entry[1].failed)
