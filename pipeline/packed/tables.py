"""Parquet tables with a video a row: bytes in a column, or paths and addresses; and texts about them in others.

As Hugging Face writes them: a column of structs of `bytes` and `path`. Bytes are read of one row group at a time, and
none where videos are only listed. Tables are of strangers, and may claim anything.
"""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.errors import ArchiveError, OutageError, PipelineError

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

MOST_ROWS = 1_000_000
MOST_COLUMNS = 10_000
MOST_NAME_BYTES = 64 << 20
"""Of BATCH_ROWS names, or texts, once they are read."""
MOST_GROUP_BYTES = 2 << 30
"""Of a row group that is read: its bytes may be one page, which is in memory as a whole."""
LEAST_VIDEO_BYTES = 16_384
BATCH_ROWS = 1024
BUFFER_BYTES = 1 << 20
NAMES = ("video", "videos", "video_bytes", "mp4", "webm", "bytes", "video_path", "file_name", "path", "file", "url")
"""Columns that may hold the videos, the likeliest first, where the table does not say which one does."""
KEYS = ("__key__", "key", "video_id", "id")
"""Columns that may name a video whose bytes stand beside them, the likeliest first."""
TEXTS = ("caption", "captions", "text", "texts", "split", "tags")
"""Columns that go into the text of a row."""
UNREAD = ("start_s", "end_s", "grade")
_PLACE = struct.Struct("<qq")


@dataclass(frozen=True, slots=True)
class Row:
    """A video of a table."""

    name: str
    """Its path or address, or else its number; it may be hostile."""
    group: int
    """Of rows, from 0."""
    row: int
    """In the group, from 0."""


@dataclass(frozen=True)
class Table:
    """Where the videos of a table are."""

    column: str
    """The column of their bytes, with a dot before a part of it; empty: there are only paths and addresses."""
    named_by: str
    """The column of their names, paths or addresses; empty: they have none."""
    has_texts: bool
    """Whether there is one of TEXTS."""
    unread: tuple[str, ...] = ()
    """Columns that change what TEXTS mean, and do not go into the text of a row."""


def look(file: BinaryIO) -> Table:
    """Where the videos of the table are; ArchiveError where it is none, or has no videos."""
    with _opened(file) as table:
        schema = table.schema_arrow
        if len(schema.names) > MOST_COLUMNS:
            raise ArchiveError(f"it has {len(schema.names)} columns, as no table of videos has")
        name = _video_column(schema)
        kind = schema.field(name).type
        has_texts = bool(_texts(schema))
        unread = tuple(name for name in schema.names if has_texts and name.lower() in UNREAD)
        if _is_text(kind):
            return Table("", name, has_texts, unread)
        if _is_bytes(kind):
            key = next((key for key in KEYS if key in schema.names and _is_text(schema.field(key).type)), "")
            return Table(name, key, has_texts, unread)
        has_path = kind.get_field_index("path") >= 0
        has_bytes = _has_bytes(table, f"{name}.bytes")
        named_by = f"{name}.path" if has_path else ""
        if not (has_bytes or named_by):
            raise ArchiveError(f"the column {name!r} has neither bytes nor paths")
        return Table(f"{name}.bytes" if has_bytes else "", named_by, has_texts, unread)


def rows(file: BinaryIO, table: Table) -> Iterator[Row]:
    """The videos of a table, in its order; no bytes of them are read. ArchiveError as soon as it is damaged."""
    with _opened(file) as opened:
        num_rows = 0
        for group in range(opened.num_row_groups):
            count = opened.metadata.row_group(group).num_rows
            num_rows += count
            if count < 0 or num_rows > MOST_ROWS:
                raise ArchiveError(f"it claims {num_rows} rows; the most are {MOST_ROWS} in one table")
            if not table.named_by:
                yield from (Row("", group, row) for row in range(count))
                continue
            row = 0
            for batch in _batches(opened, group, [table.named_by]):
                for name in _leaf(batch).to_pylist():
                    yield Row(name or "", group, row)
                    row += 1


def spill(file: BinaryIO, group: int, column: str, path: Path, most_bytes: int) -> None:
    """Writes the cells of a row group to a file from which `cell` finds each: of a column of bytes, or the texts.

    `column` empty: of each row a JSON object of those columns that are TEXTS. ArchiveError, also where the cells take
    more than `most_bytes`.
    """
    with _opened(file) as table, path.open("wb") as out:
        count, size = table.metadata.row_group(group).num_rows, table.metadata.row_group(group).total_byte_size
        if not 0 <= count <= MOST_ROWS or size > MOST_GROUP_BYTES:
            raise ArchiveError(f"row group {group} has {count} rows of {size >> 20} MB; write it in smaller row groups")
        out.seek(count * _PLACE.size)
        places = []
        texts = _texts(table.schema_arrow)
        cells = _bytes(table, group, column) if column else _json(table, group, texts)
        for cell in cells:
            at = out.tell()
            places.append((at, -1 if cell is None else len(cell)))
            out.write(cell or b"")
            if out.tell() > most_bytes:
                raise ArchiveError(f"row group {group} is larger than the cache; raise cache_gb in luigi.cfg")
        if len(places) != count:
            raise ArchiveError(f"row group {group} has {len(places)} rows, and claims {count}")
        out.seek(0)
        out.write(b"".join(_PLACE.pack(*place) for place in places))


def cell(spilled: BinaryIO, row: int) -> tuple[int, int]:
    """(first byte, size) of the cell of a row in a file that `spill` wrote; a size of -1 for a null."""
    spilled.seek(row * _PLACE.size)
    start, size = _PLACE.unpack(spilled.read(_PLACE.size))
    return start, size


def _has_bytes(table: "ParquetFile", column: str) -> bool:
    """Whether the first row has bytes; it is not read where the rows are so large that they have to be there.

    pyarrow writes the bytes of a row group as one page, all of which would be read.
    """
    if not table.num_row_groups:
        return False
    group = table.metadata.row_group(0)
    if group.total_byte_size > LEAST_VIDEO_BYTES * max(1, group.num_rows):
        return True
    first = next(table.iter_batches(1, row_groups=[0], columns=[column], use_threads=False), None)
    return first is not None and first.num_rows > 0 and bool(_leaf(first)[0].is_valid)


def _bytes(table: "ParquetFile", group: int, column: str) -> Iterator[Any]:
    # One row at a time, so that no more than a row and a page of the file is in memory.
    for batch in table.iter_batches(1, row_groups=[group], columns=[column], use_threads=False):
        value = _leaf(batch)[0]
        yield value.as_buffer() if value.is_valid else None


def _json(table: "ParquetFile", group: int, texts: list[str]) -> Iterator[bytes]:
    for batch in _batches(table, group, texts):
        for row in batch.to_pylist():
            yield json.dumps({name.lower(): value for name, value in row.items()}, default=str).encode()


def _batches(table: "ParquetFile", group: int, columns: list[str]) -> Iterator[Any]:
    for batch in table.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False):
        if batch.nbytes > MOST_NAME_BYTES:
            raise ArchiveError(f"some rows of {columns[0]!r} take {batch.nbytes >> 20} MB, as no names or texts do")
        yield batch


def _leaf(batch: Any) -> Any:
    """The one column that was read, or the one part of it."""
    import pyarrow

    column = batch.column(0)
    if not pyarrow.types.is_struct(column.type):
        return column
    return column.flatten()[0]  # null where the struct is


def _video_column(schema: Any) -> str:
    """The name of the column with the videos, as Hugging Face says it, or by its kind and name."""
    try:
        told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = told.get("info", {}).get("features", {})
        videos = [name for name, one in features.items() if isinstance(one, dict) and one.get("_type") == "Video"]
    except (ValueError, AttributeError):
        videos = []
    unique = [name for name in schema.names if schema.names.count(name) == 1 and name and "." not in name]
    packed = [name for name in unique if _is_packed(schema.field(name).type)]
    flat = [name for name in unique if _is_bytes(schema.field(name).type) or _is_text(schema.field(name).type)]
    said = [name for name in videos if name in packed]
    by_name = [name for wanted in NAMES for name in (*packed, *flat) if name.lower() == wanted]
    found = said[:1] or by_name[:1] or (packed if len(packed) == 1 else [])
    if not found:
        names = ", ".join(map(repr, schema.names))[:100]
        raise ArchiveError(
            f"no column of videos: none is a struct of bytes and path, or called {NAMES[0]!r}; it has {names}"
        )
    return str(found[0])


def _texts(schema: Any) -> list[str]:
    names = [name for name in schema.names if name.lower() in TEXTS and schema.names.count(name) == 1]
    return [name for name in names if not _is_bytes(schema.field(name).type)]


def _is_packed(kind: Any) -> bool:
    import pyarrow

    if not pyarrow.types.is_struct(kind):
        return False
    at = kind.get_field_index("bytes")
    return at >= 0 and _is_bytes(kind.field(at).type)


def _is_bytes(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


@contextmanager
def _opened(file: BinaryIO) -> Iterator["ParquetFile"]:
    """Context with the table; what pyarrow says of a damaged one becomes one line."""
    from pyarrow import ArrowException, parquet

    try:
        yield parquet.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except (PipelineError, OutageError):
        raise
    except (ArrowException, OSError, ValueError, OverflowError, MemoryError, IndexError, KeyError) as error:
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise ArchiveError(f"cannot be read as Parquet: {what}") from None
