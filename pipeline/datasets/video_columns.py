"""Videos in columns: a Parquet table, of which a group of rows, or one column, is read at a time."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, overload

from pipeline.datasets import asked
from pipeline.datasets.annotations import Caption
from pipeline.datasets.arrow_arrays import array_of
from pipeline.datasets.video import Video
from pipeline.datasets.videos import Listed, Videos
from pipeline.errors import DamagedError, NewerVersionError
from pipeline.stores import damage

_REPEATED = ["split", "note", "problem", "file"]
"""Columns in which most values are equal."""

_PLAIN = ("video_id", "content", "split", "duration_s", "has_video", "has_audio", "has_subtitles", "note", "problem",
          "seekable", "stamps")  # fmt: skip
CLIP_FIELDS = ("file", "span_s")
"""Columns that are there only where a dataset has clips, so that older versions read the tables of all others."""

ASKED = "asked"
"""Column of what is known of the captions (see `asked.pack`); there only where a dataset has any of it."""

_LISTS = ("stamps", "span_s")
"""Columns of lists, which are tuples in a Video."""

FEW = 2048
"""So many videos are kept as objects, and saved as JSON, so that a run of a small dataset that finds nothing to do need
not import pyarrow: that and reading any table take 0.06 CPU seconds, as reading 2,000 videos from JSON does."""

GROUP = 8192
"""Videos that are read at once, of all their columns."""

PIECE = 512
"""Videos of a group that are made at once where those of one split are wanted."""

_PIECE_BYTES = 1 << 20


class Columns(Videos):
    """Videos in columns, of which objects are made when they are asked for; one group of them is kept."""

    def __init__(self, table: Any, path: Path = Path()) -> None:
        """`table`: a NativeFile of pyarrow with the bytes that `pack` gave; `path` is where it lies, if anywhere.

        It stays open, so that what was checked is what is read. DamagedError for anything else, also where that comes
        out later; NewerVersionError for unknown columns.
        """
        from pyarrow import parquet

        self._table = table
        self._path = path
        self._kept: tuple[int, Sequence[Video]] = (-1, ())
        with self._told():
            self._parquet = parquet.ParquetFile(table)
        names = self._parquet.schema_arrow.names
        self._clips = tuple(name for name in CLIP_FIELDS if name in names)
        self._has_asked = ASKED in names
        unknown = sorted({*names} - {*_PLAIN, *CLIP_FIELDS, "captions", ASKED})
        if unknown:
            raise NewerVersionError(path, f"unknown column {unknown[0]!r}")

    def __len__(self) -> int:
        num: int = self._parquet.metadata.num_rows
        return num

    @overload
    def __getitem__(self, at: int) -> Video: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Video]: ...
    def __getitem__(self, at: int | slice) -> Video | Sequence[Video]:
        if isinstance(at, slice):
            return [self[one] for one in range(len(self))[at]]
        size: int = self._parquet.metadata.row_group(0).num_rows
        number, row = divmod(range(len(self))[at], size)
        if self._kept[0] != number:
            self._kept = number, self._group(number)
        return self._kept[1][row]

    def column(self, name: str) -> list[Any]:
        """One attribute of all videos."""
        if name == "captions":
            return [video.captions for video in self]
        if name in CLIP_FIELDS and name not in self._clips:
            return [() if name in _LISTS else ""] * len(self)
        values = self._read(range(self._num_groups), name).column(0).to_pylist()
        return [tuple(value) for value in values] if name in _LISTS else values

    def of_split(self, split: str) -> Iterator[Video]:
        """The captioned videos of a split."""
        for number in range(self._num_groups):
            splits, table = self._read([number], "split").column(0).to_pylist(), None
            for first in range(0, len(splits), PIECE):  # since most ask for the first few alone
                if split in splits[first : first + PIECE]:
                    table = self._table_of_group(number) if table is None else table
                    some = self._objects(table.slice(first, PIECE))
                    yield from (video for video in some if video.split == split and video.captions)

    def texts(self) -> Iterator[str]:
        """The text of each caption, in manifest order."""
        for number in range(self._num_groups):
            lists = self._read([number], "captions").column("captions").combine_chunks()
            yield from lists.flatten().field("text").to_pylist()

    def groups(self) -> Iterator[Sequence[Video]]:
        """All videos, in groups of GROUP."""
        return map(self._group, range(self._num_groups))

    def write(self, path: Path) -> str:
        """Writes the table to a file, and returns the 64 hex digits of its SHA-256."""
        digest = hashlib.sha256()
        self._table.seek(0)
        with path.open("wb") as file:
            while some := self._table.read(_PIECE_BYTES):
                file.write(some)
                digest.update(some)
        return digest.hexdigest()

    @property
    def _num_groups(self) -> int:
        num: int = self._parquet.num_row_groups
        return num

    def _group(self, number: int) -> Sequence[Video]:
        return self._objects(self._table_of_group(number))

    def _table_of_group(self, number: int) -> Any:
        return self._read([number], *_PLAIN, *self._clips, "captions", *([ASKED] if self._has_asked else []))

    def _objects(self, table: Any) -> list[Video]:
        names = (*_PLAIN, *self._clips)
        with self._told():
            columns: list[Iterable[Any]] = [table.column(name).to_pylist() for name in names]
            for place in (place for place, name in enumerate(names) if name in _LISTS):
                columns[place] = map(tuple, columns[place])
            captions = _captions_of(table.column("captions").combine_chunks())
            if self._has_asked:
                captions = list(map(asked.unpack, captions, table.column(ASKED).to_pylist()))
            return list(map(Video, *columns[:3], captions, *columns[3:]))

    def _read(self, groups: Sequence[int], *names: str) -> Any:
        with self._told():
            table = self._parquet.read_row_groups(list(groups), columns=list(names), use_threads=False)
            return table.select(names)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise damage.unreadable(self._path.parent, self._path.name, error) from None


def gather(videos: Iterable[Video], has_clips: bool = False, has_asked: bool = False) -> Videos:
    """The videos, in a form that suits their number; of many, few are held as objects at a time.

    `has_clips`: whether there may be clips among them; `has_asked`: judged captions.
    """
    rest = iter(videos)
    first = list(islice(rest, FEW + 1))
    return Listed(first) if len(first) <= FEW else pack(chain(first, rest), has_clips, has_asked)


def open_table(path: Path, sha256: str) -> Columns:
    """The videos in a table that `Columns.write` wrote; DamagedError where its bytes have changed since."""
    import pyarrow as pa

    digest = hashlib.sha256()
    table = pa.OSFile(str(path))
    while some := table.read(_PIECE_BYTES):
        digest.update(some)
    if digest.hexdigest() != sha256:
        raise DamagedError(path.parent, f"{path.name} has another checksum than when it was written")
    table.seek(0)
    return Columns(table, path)


def pack(videos: Iterable[Video], has_clips: bool = False, has_asked: bool = False) -> Columns:
    """The videos as a Parquet table in memory, in groups of GROUP rows; `has_clips` and `has_asked` as for `gather`."""
    import pyarrow as pa
    from pyarrow import parquet

    file, schema = (
        pa.BufferOutputStream(),
        _schema((*(CLIP_FIELDS if has_clips else ()), *([ASKED] if has_asked else []))),
    )
    rest = iter(videos)
    with parquet.ParquetWriter(file, schema, compression="zstd", use_dictionary=_REPEATED) as writer:
        while group := list(islice(rest, GROUP)):
            writer.write_table(_table_of(group, schema), row_group_size=GROUP)
    return Columns(pa.BufferReader(file.getvalue()))


def _schema(more: Sequence[str]) -> Any:
    import pyarrow as pa

    caption = pa.struct([("text", pa.string()), ("tags", pa.list_(pa.string()))])
    types = {"duration_s": pa.float64(), "stamps": pa.list_(pa.int64()), "captions": pa.list_(caption)}
    types["span_s"] = pa.list_(pa.float64())
    types |= dict.fromkeys(("has_video", "has_audio", "has_subtitles", "seekable"), pa.bool_())
    names = (*_PLAIN, "captions", *more)
    return pa.schema([pa.field(name, types.get(name, pa.string()), nullable=False) for name in names])


def _table_of(group: list[Video], schema: Any) -> Any:
    import pyarrow as pa

    made = {"captions", ASKED}
    columns = {name: [getattr(video, name) for video in group] for name in schema.names if name not in made}
    columns["captions"] = [[(one.text, one.tags) for one in video.captions] for video in group]
    if ASKED in schema.names:
        columns[ASKED] = [asked.pack(video.captions) for video in group]
    return pa.Table.from_arrays([array_of(columns[field.name], field.type) for field in schema], schema=schema)


def _captions_of(lists: Any) -> list[tuple[Caption, ...]]:
    """The captions of each video; by columns, since a value at a time takes ten times as long."""
    ends, values = lists.offsets.to_pylist(), lists.flatten()
    texts, tags = values.field("text").to_pylist(), values.field("tags").to_pylist()
    captions = [Caption(text, tuple(found)) for text, found in zip(texts, tags, strict=True)]
    return [tuple(captions[start - ends[0] : end - ends[0]]) for start, end in pairwise(ends)]
