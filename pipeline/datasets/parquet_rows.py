"""Reads the rows of a Parquet table of captions, some at a time: a file of strangers may claim anything."""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.errors import AnnotationError, OutageError, PipelineError
from pipeline.file_kinds import irregular
from pipeline.remote_files.files import open_binary

BATCH_ROWS = 1024
MOST_BYTES = 256 << 20
"""Of BATCH_ROWS rows once they are read."""
BUFFER_BYTES = 1 << 20
MOST_COLUMNS = 10_000


def parquet_rows(path: Path, needed: Sequence[str], known: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file and row, value by column) of each row, of those of the `known` columns that are there.

    Names of columns may be in any case. AnnotationError, in one line, for what is no table, lacks a column of `needed`
    or has a known one twice, takes too much memory, or cannot be read to its end; FileNotFoundError without a file.
    """
    if why := irregular(path):
        raise AnnotationError(f"{path}: cannot be read: {why}; put a Parquet file there, or remove it")
    file = open_binary(path)
    return _rows(path, file, needed, known)


def _rows(path: Path, file: Any, needed: Sequence[str], known: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    from pyarrow import ArrowException, parquet

    number = 0
    with file:
        try:
            # Pages are read one by one. pyarrow is not asked for its facts of single chunks: in a damaged file these
            # end the process.
            table = parquet.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
            columns = _columns(path, table, needed, known)
            for batch in table.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False):
                if batch.nbytes > MOST_BYTES:
                    raise AnnotationError(f"{path}: some rows take {batch.nbytes >> 20} MB, as no captions do")
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}: row {number}", {columns[name]: _plain(value) for name, value in row.items()}
        except (PipelineError, OutageError):
            raise
        except (ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
            what = " ".join(str(error).split())[:200] or type(error).__name__
            raise AnnotationError(f"{path}: cannot be read as Parquet after row {number}: {what}") from None


def _plain(value: Any) -> Any:
    """A cell as JSON would have it: some programs write decimals for numbers, and some NaN for what is missing."""
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def _columns(path: Path, table: Any, needed: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Name of a column in the file -> what we call it, of those that are read."""
    names = list(table.schema_arrow.names)
    if len(names) > MOST_COLUMNS:
        raise AnnotationError(f"{path}: it has {len(names)} columns, as no table of captions has")
    ours = [name.strip().lower() for name in names]
    for name in known:
        if ours.count(name) > 1:
            raise AnnotationError(f"{path}: it has the column {name!r} {ours.count(name)} times")
    if lacking := [name for name in needed if name not in ours]:
        shown = ", ".join(map(repr, names))[:100]
        raise AnnotationError(f"{path}: it has no column {lacking[0]!r}; it has {shown}")
    return {name: own for name, own in zip(names, ours, strict=True) if own in known}
