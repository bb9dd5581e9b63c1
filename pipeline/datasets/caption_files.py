"""Reads the rows of captions files: tables and JSON lines."""

import io
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.datasets import clips
from pipeline.datasets.parquet_rows import parquet_rows
from pipeline.datasets.text_files import read_table, read_text
from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular
from pipeline.plain_data import parse_json
from pipeline.remote_files.files import read_bytes

COLUMNS = ("video", "caption", "split", "tags", "grade", *clips.COLUMNS)
NEEDED = COLUMNS[:2]
_NO_TEXT = re.compile("[\0\ud800-\udfff]")

_ESCAPED = re.compile(rb"%[2-7][0-9A-Fa-f]|\\u00[2-7]")

Entry = tuple[str, dict[str, str]]
"""File and line of a caption, and its cells by column."""


def read_rows(path: Path, warnings: list[str]) -> Iterator[Entry]:
    """The entries of a .csv, .tsv, .jsonl or .parquet file.

    Appends to `warnings` what was guessed. AnnotationError, with the line, for what cannot be understood.
    """
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".tsv", ".jsonl", ".parquet"}:
        raise AnnotationError(f"{path}: captions must be a .csv, .tsv, .jsonl or .parquet file")
    try:
        if suffix == ".parquet":
            return ((where, _cells(row, where)) for where, row in parquet_rows(path, NEEDED, COLUMNS))
        text = read_text(path, warnings)
    except FileNotFoundError:
        raise AnnotationError(f"{path}: no such file; see 'captions' in the dataset's YAML") from None
    return _json_rows(path, text) if suffix == ".jsonl" else read_table(path, text, NEEDED, COLUMNS)


def may_hold(path: Path, endings: Collection[str]) -> bool:
    """Whether one of these ASCII texts in small letters may be in a captions file, in any case and encoding.

    Told from its bytes, without the tenfold time of reading its rows; true where they do not tell.
    """
    try:
        content = b"\0" if irregular(path) else read_bytes(path)
    except OSError:
        return True
    if b"\0" in content or _ESCAPED.search(content):  # more than a byte a letter; %2E or \u002e for a dot
        return True
    small = content.lower()
    return any(ending.encode() in small for ending in endings)


def _json_rows(path: Path, text: str) -> Iterator[Entry]:
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if line.strip():
            yield f"{path}:{number}", _json_row(line, f"{path}:{number}")


def _json_row(line: str, where: str) -> dict[str, str]:
    try:
        row: Any = parse_json(line, pairs=_unique)
    except ValueError as error:
        raise AnnotationError(f"{where}: not JSON: {error}") from None
    if not isinstance(row, dict):
        raise AnnotationError(f"{where}: expected an object with 'video' and 'caption'")
    return _cells(row, where)


def _cells(row: Mapping[str, Any], where: str) -> dict[str, str]:
    """The text of each of our columns in a row of JSON or Parquet values."""
    is_clip = row.get("start_s") is not None or row.get("end_s") is not None
    # Of a whole video an id, as other tables have it for each caption, means nothing.
    read = COLUMNS if is_clip else tuple(column for column in COLUMNS if column not in clips.COLUMNS)
    return {column: _text(row.get(column), f"{where}: {column!r}", column) for column in read}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with its keys in lower case; ValueError where one of ours is there twice, of which JSON takes one."""
    keys = [key.strip().lower() for key, _ in pairs]
    for key in COLUMNS:
        if keys.count(key) > 1:
            raise ValueError(f"{key!r} is there {keys.count(key)} times")
    return dict(zip(keys, (value for _, value in pairs), strict=True))


def _text(value: Any, where: str, column: str) -> str:
    """A value as the text of a cell: null is empty, a list of tags is joined by ;, a number is an id or a time."""
    if isinstance(value, list) and column == "tags" and all(isinstance(tag, str) for tag in value):
        return ";".join(value)
    kinds = (str, int, float) if column in {"start_s", "end_s", "grade"} else (str, int)
    if value is not None and not isinstance(value, kinds):
        raise AnnotationError(f"{where} must be text, found {value!r}"[:300])
    text = "" if value is None else str(value)
    if _NO_TEXT.search(text):
        raise AnnotationError(f"{where} holds a zero byte or half a character (\\ud800 to \\udfff): {text[:60]!a}")
    return text
