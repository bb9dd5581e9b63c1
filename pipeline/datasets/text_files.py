"""Reads the text and the tables of annotation files as people save them: encodings, delimiters, quotes, line ends."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular
from pipeline.remote_files.files import read_bytes
from pipeline.texts.encodings import decode_strictly

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""Delimiter -> what it is called; which one a table has is seen in its first line, by the names of its columns."""

_BLANKS_AT_QUOTES = {
    delimiter: re.compile(
        rf'(?<!")("(?:"")*)[{blanks}]+(?=[{delimiter}\r\n]|\Z)|(?<=[{delimiter}\r\n])[{blanks}]+(?="(?:"")*(?!"))'
    )
    for delimiter, blanks in ((",", " \t\xa0"), (";", " \t\xa0"), ("|", " \t\xa0"), ("\t", " \xa0"))
}
"""Blanks after a closing quote, which csv takes for an error, or before an opening one, which it then takes for text.
Quotes inside of a cell are doubled, so that they come in even numbers."""
_UNCLOSED = "a quote is opened in this row and never closed; close it, and double each quote inside of a quoted cell"
_AFTER_QUOTE = 'text after a closing quote; double each quote inside of a quoted cell: "he says ""hi"""'

Cells = dict[str, str]
"""Name of a column in lower case -> its cell, stripped."""


def read_text(path: Path, warnings: list[str] | None = None) -> str:
    """The text of a file, with its line ends as they are.

    An encoding that was guessed is told in `warnings`; without that list it is an AnnotationError, as is what cannot be
    read or is no text. FileNotFoundError where there is no file.
    """
    if why := irregular(path):
        raise AnnotationError(f"{path}: cannot be read: {why}; put a text file there, or remove it")
    try:
        text, encoding = decode_strictly(read_bytes(path))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise AnnotationError(f"{path}: cannot be read: {error}; save it as text in UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise AnnotationError(f"{path}:{line}: a zero byte, which no text has; save the file as text in UTF-8 again")
    if not encoding.startswith("utf-"):
        if warnings is None:
            raise AnnotationError(f"{path}: cannot be read: it is not UTF-8 (perhaps {encoding}); save it as UTF-8")
        warnings.append(f"{path}: not UTF-8, and read as {encoding}, which is a guess; save it as UTF-8 to be sure")
    return text.lstrip("\ufeff")  # a second mark, as of files that were joined


def lines_of(text: str) -> list[str]:
    """The lines of a text without their ends: only line feeds and carriage returns end a line."""
    return [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]


def read_table(path: Path, text: str, needed: Sequence[str], known: Sequence[str] = ()) -> Iterator[tuple[str, Cells]]:
    """(file and line, cells) of each row of a table whose first line names its columns; empty rows are left out.

    The names of columns may be in any case and order. AnnotationError with the line where a column of `needed` is
    missing, one of these or of `known` is there twice, a row has more cells than columns or lacks a needed one, or its
    quotes are not balanced.
    """
    delimiter, names, skipped = _header(path, text, needed, known)
    text = _BLANKS_AT_QUOTES[delimiter].sub(lambda found: found[1] or "", text)
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # its limit of 128 kB is that of a caution from 2003
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            why = _UNCLOSED if "end of data" in str(error) else _AFTER_QUOTE if "expected" in str(error) else error
            raise AnnotationError(f"{path}:{line}: {why}") from None
        if line > skipped and any(row):
            yield f"{path}:{line}", _cells(row, names, needed, f"{path}:{line}", delimiter)


def _cells(row: list[str], names: list[str], needed: Sequence[str], where: str, delimiter: str) -> Cells:
    if any(row[len(names) :]):
        raise AnnotationError(
            f"{where}: {len(row)} cells where the first line names {len(names)} columns; put quotes around each text "
            f'with {DELIMITERS[delimiter]} in it: "a man{delimiter} walking"'
        )
    lacking = [name for name in needed if names.index(name) >= len(row)]
    if lacking:
        raise AnnotationError(f"{where}: the row ends before its {lacking[0]!r}: {len(row)} of {len(names)} cells")
    return dict(zip(names, row, strict=False))


def _header(path: Path, text: str, needed: Sequence[str], known: Sequence[str]) -> tuple[str, list[str], int]:
    """The delimiter, the names of the columns in lower case, and the number of lines before the first row."""
    lines = enumerate(io.StringIO(text, newline=""), 1)
    # Some spreadsheets write "sep=;" above the names.
    number, first = next(((number, line) for number, line in lines if not _is_preamble(line)), (0, ""))
    splits = {delimiter: _names(first, delimiter) for delimiter in DELIMITERS}
    delimiter = next((one for one, names in splits.items() if set(needed) <= set(names)), "")
    wanted = " and ".join(filter(None, [", ".join(map(repr, needed[:-1])), repr(needed[-1])]))
    if not delimiter:
        found = max(splits.values(), key=len)
        shown = f"; it has {', '.join(map(repr, found))[:100]}" if any(found) else ""
        raise AnnotationError(f"{path}: its first line must name the columns {wanted}{shown}")
    names = splits[delimiter]
    for name in {*needed, *known}:
        if names.count(name) > 1:
            raise AnnotationError(f"{path}: its first line names the column {name!r} {names.count(name)} times")
    return delimiter, names, number


def _names(line: str, delimiter: str) -> list[str]:
    """The names of columns in a line; those without a name at its end, as behind a last delimiter, are no columns."""
    cells = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, skipinitialspace=True), [])
    names = [cell.strip().strip("\"'").strip().lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _is_preamble(line: str) -> bool:
    return not line.strip(" \t\r\n,;|") or line.lower().startswith("sep=")
