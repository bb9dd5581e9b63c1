"""Writes features as tables of Apache Arrow, a row for each vector: Parquet and Lance.

The columns: `video`, `content`, `expert`, `start_s`, `end_s`, `features` (a list of D float32, left out where D is 0),
and the extras of the expert under their names. In a dataset with clips `file`, `clip_start_s` and
`clip_end_s` say where each lies; the times of its vectors count from its start. What is known of the expert is the
metadata of the schema. Of the rows only those of one video and one row group are held at a time.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError, StoreError
from pipeline.export.source import Source, VideoFeatures

if TYPE_CHECKING:
    import pyarrow

GROUP_BYTES = 16 << 20
"""Of the vectors in a row group of Parquet."""

MAX_GROUP_ROWS = 65536
"""Rows in a row group, however short their vectors are."""


def write_parquet(videos: Iterable[VideoFeatures], path: Path, source: Source) -> int:
    """Writes a Parquet file row group by row group; returns the number of rows."""
    _arrow()
    from pyarrow import parquet

    schema, batches = stream(videos, source)
    names = [name for name in schema.names if str(schema.field(name).type) == "string"]
    count = 0
    with parquet.ParquetWriter(path, schema, use_dictionary=names) as writer:
        for group in _grouped(batches, group_rows(source.dim)):
            writer.write_table(group, row_group_size=group_rows(source.dim))
            count += group.num_rows
            del group  # before the next one is collected
    return count


def write_lance(videos: Iterable[VideoFeatures], path: Path, source: Source) -> int:
    """Writes a Lance dataset, a folder; returns the number of rows. ConfigError where its package is missing."""
    try:
        import lance
    except ModuleNotFoundError:
        raise ConfigError("--format lance needs the package pylance: pip install 'expert-retrieval[lance]'") from None
    faults = list[Exception]()
    schema, batches = stream(videos, source)
    reader = _arrow().RecordBatchReader.from_batches(schema, _told(batches, faults))
    try:
        return int(lance.write_dataset(reader, path, schema=schema, mode="create").count_rows())
    except Exception as error:
        raise (faults or [error])[0] from None  # Lance reads in a thread, and wraps what is raised there


def group_rows(dim: int) -> int:
    """Rows in a row group."""
    return max(1, min(MAX_GROUP_ROWS, GROUP_BYTES // (4 * max(1, dim))))


def stream(videos: Iterable[VideoFeatures], source: Source) -> "tuple[pyarrow.Schema, Iterator[pyarrow.RecordBatch]]":
    """The schema, and a batch for each video that has vectors, made when it is asked for.

    The extras and their types are those of the first such video. StoreError where a later one has others.
    """
    rest = iter(videos)
    first = next((video for video in rest if len(video.features.times_s)), None)
    schema = _schema(first, source)
    begin = [] if first is None else [first]
    first = None  # a generator that is not asked further must not hold it
    every = chain(_emptied(begin), rest)
    return schema, (_batch(video, schema, source) for video in every if len(video.features.times_s))


def _emptied(items: list[VideoFeatures]) -> Iterator[VideoFeatures]:
    while items:
        yield items.pop()


def _grouped(batches: "Iterator[pyarrow.RecordBatch]", rows: int) -> "Iterator[pyarrow.Table]":
    """Batches joined to tables of at least this number of rows; the last one may have fewer."""
    pa, held, count = _arrow(), list[Any](), 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        del batch
        if count >= rows:
            table, held, count = pa.Table.from_batches(held), [], 0
            yield table
            del table
    if held:
        yield pa.Table.from_batches(held)


def _schema(video: VideoFeatures | None, source: Source) -> "pyarrow.Schema":
    pa = _arrow()
    clip = video.clip if video else {}
    fields = [(name, pa.string()) for name in ("video", "content", "expert")]
    fields += [(name, pa.string() if isinstance(told, str) else pa.float64()) for name, told in clip.items()]
    fields += [(name, pa.float64()) for name in ("start_s", "end_s")]
    if source.dim:
        fields.append(("features", pa.list_(pa.float32(), source.dim)))
    for name, values in sorted(video.features.extras.items()) if video else ():
        if 0 not in values.shape[1:]:
            fields.append((name, _type_of(values)))
    return pa.schema(fields, metadata=source.facts)


def _batch(video: VideoFeatures, schema: "pyarrow.Schema", source: Source) -> "pyarrow.RecordBatch":
    pa, features = _arrow(), video.features
    if features.values.shape[1] != source.dim:
        raise StoreError(f"{source.expert}: {video.video}: vectors of {features.values.shape[1]}, not {source.dim}")
    columns: dict[str, NDArray[Any]] = {
        "start_s": features.times_s[:, 0],
        "end_s": features.times_s[:, 1],
        "features": features.values,
        **features.extras,
    }
    num_rows, arrays = len(features.times_s), list[Any]()
    same = {"video": video.video, "content": video.content, "expert": source.expert, **video.clip}
    for field in schema:
        if field.name in same:
            arrays.append(pa.repeat(same[field.name], num_rows))
        elif field.name in columns and _type_of(columns[field.name]) == field.type:
            arrays.append(_array(columns[field.name], field.type))
        else:
            raise StoreError(f"{source.expert}: {video.video}: {field.name!r} is not {field.type}, as it was before")
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _type_of(values: NDArray[Any]) -> "pyarrow.DataType":
    """The type of a row of `values`: (n, ...)."""
    pa = _arrow()
    if values.dtype.kind in "UTO":
        kind = pa.string()
        for _ in values.shape[1:]:
            kind = pa.list_(kind)
        return kind
    kind = pa.from_numpy_dtype(values.dtype)
    for size in reversed(values.shape[1:]):
        kind = pa.list_(kind, size)
    return kind


def _array(values: NDArray[Any], kind: "pyarrow.DataType") -> "pyarrow.Array":
    pa = _arrow()
    if values.dtype.kind in "UTO":
        return pa.array(values.tolist(), kind)
    array = pa.array(np.ascontiguousarray(values).reshape(-1))
    for size in reversed(values.shape[1:]):
        array = pa.FixedSizeListArray.from_arrays(array, size)
    return array


def _told(batches: "Iterator[pyarrow.RecordBatch]", faults: list[Exception]) -> "Iterator[pyarrow.RecordBatch]":
    """The batches; what is raised meanwhile is kept in `faults`."""
    try:
        yield from batches
    except Exception as error:
        faults.append(error)
        raise


def _arrow() -> Any:
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise ConfigError("Parquet needs the package pyarrow: pip install pyarrow, or take --format jsonl") from None
    return pyarrow
