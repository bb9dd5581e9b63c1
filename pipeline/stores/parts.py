"""How the features of a store lie in Zarr: ragged rows, one uncompressed chunk an array, a checksum on each.

A part is a Zarr v3 group: `values` (N, D) float32, `times_s` (N, 2) float64, `offsets` (V + 1,) int64, and what the
expert read beside them (`text`, `confidence`, `box_px` ...), N long each. Its attribute `rows` names the V rows.
"""

import dataclasses
import functools
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.stores import store
from pipeline.stores.ragged import Ragged
from pipeline.stores.store import Row


@dataclass(frozen=True)
class Features:
    """The features of one row, and what is kept beside them."""

    values: NDArray[np.float32]
    """(n, D)"""
    times_s: NDArray[np.float64]
    """(n, 2)"""
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """name -> (n, ...)"""


def publish(folder: Path, rows: Sequence[Row], features: Sequence[Features], dim: int) -> list[Path]:
    """Writes the rows as new parts: one for those that are good, one for those that failed. Returns their paths."""
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
        group = zarr.create_group(temporary, attributes={"rows": [dataclasses.asdict(row) for row in rows]})
        counts = [row.count for row in rows]
        _put(group, "offsets", np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
        _put(group, "values", _join([item.values for item in features], (dim,), np.float32))
        _put(group, "times_s", _join([item.times_s for item in features], (2,), np.float64))
        for name in sorted({name for item in features for name in item.extras}):
            extra = np.concatenate([item.extras[name] for item in features if name in item.extras])
            if len(extra) != sum(counts):
                raise ValueError(f"{name!r}: {len(extra)} values for {sum(counts)} vectors")
            _put(group, name, extra)
        os.rename(temporary, final)  # noqa: PTH104
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be written: {error.strerror or error}; free some space and run again"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return final


def _join(blocks: Sequence[NDArray[Any]], shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.zeros((0, *shape), dtype), *(np.asarray(block, dtype) for block in blocks)])


def _put(group: Any, name: str, data: NDArray[Any]) -> None:
    from zarr.codecs import Crc32cCodec

    if data.dtype.kind == "U":
        data = data.astype(np.dtypes.StringDType())  # fixed-width text has no form in the Zarr 3 specification
    # One chunk, no compressor: the file is the raw array and 4 bytes of checksum, so that it can be memory-mapped.
    # Empty chunks are written too: a missing file is then a fault, and never a block of zeros.
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
    """One array of a part, checked against its checksum; None when the part has no such array."""
    try:
        group = _open(part)
        if name not in group:
            return None
        array = group[name]
        if array.size and not any(path.is_file() for path in (part / name / "c").rglob("*")):
            raise StoreError(f"{part}: the bytes of {name!r} are gone; delete this folder and run again")
        return np.asarray(array[:])
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{part}: {name!r} cannot be read ({error}); delete this folder and run again") from error


def read(folder: Path, keys: Sequence[str], dim: int) -> Ragged:
    """The values of the rows called `keys`, in that order; StoreError when one is not in the store."""
    return Reader(folder).values(keys, dim)


def read_features(folder: Path, key: str) -> Features | None:
    """All that is kept of one row, or None when the store does not have it."""
    return Reader(folder).features(key)


class Reader:
    """The rows of a store; its indexes are read once, so that some rows after others can be had cheaply.

    What asks for rows by their keys gives them in the order of the keys, and raises StoreError when one is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[str, tuple[Path, slice]] = {}
        for part, row, span in _spans(folder):
            self._places.setdefault(row.key, (part, span))
        self._part: Path | None = None
        self._arrays: dict[str, NDArray[Any]] = {}

    def count(self, key: str) -> int:
        """How many vectors the row has."""
        ((_, span),) = self._places_of([key])
        return int(span.stop - span.start)

    def values(self, keys: Sequence[str], dim: int) -> Ragged:
        """(n, D) of each row."""
        return self._ragged("values", keys, dim)

    def times_s(self, keys: Sequence[str]) -> Ragged:
        """(n, 2) of each row, start and end."""
        return self._ragged("times_s", keys, 2)

    def features(self, key: str) -> Features | None:
        """All that is kept of a row, or None when the store does not have it; fastest in the order of the parts."""
        if key not in self._places:
            return None
        part, span = self._places[key]
        if part != self._part:
            names = {"values", "times_s", *(entry.name for entry in part.iterdir() if entry.is_dir())} - {"offsets"}
            self._part, self._arrays = part, {name: _need(part, name) for name in names}
        arrays = {name: array[span] for name, array in self._arrays.items()}
        return Features(arrays.pop("values"), arrays.pop("times_s"), arrays)

    def _ragged(self, name: str, keys: Sequence[str], dim: int) -> Ragged:
        places = self._places_of(keys)
        arrays = {part: _need(part, name) for part in dict.fromkeys(part for part, _ in places)}
        for part, array in arrays.items():
            if array.shape[1] != dim:
                raise StoreError(f"{part}: vectors of length {array.shape[1]}, expected {dim}")
        return Ragged.stack([arrays[part][span] for part, span in places], dim)

    def _places_of(self, keys: Sequence[str]) -> list[tuple[Path, slice]]:
        missing = set(keys) - self._places.keys()
        if missing:
            raise StoreError(
                f"{self._folder}: {len(missing)} rows are not there, e.g. {min(missing)}; run the extraction again"
            )
        return [self._places[key] for key in keys]


def _need(part: Path, name: str) -> NDArray[Any]:
    """An array of the part that is as long as its rows say."""
    array = read_array(part, name)
    length = sum(row.count for row in store.rows_of(part))
    if array is None or len(array) != length:
        raise StoreError(f"{part}: {name!r} is not there, or not {length} long; delete this folder and run again")
    return array


def spans(part: Path) -> Iterator[tuple[Row, slice]]:
    """The rows of a part, and where in its arrays each of them lies."""
    at = 0
    for row in store.rows_of(part):
        yield row, slice(at, at + row.count)
        at += row.count


def _spans(folder: Path) -> list[tuple[Path, Row, slice]]:
    """Where each row lies; the failed ones last, so that a row that is there twice is taken where it is good."""
    every = [(part, row, span) for part in store.parts(folder) for row, span in spans(part)]
    return sorted(every, key=lambda one: one[1].failed)
