"""Reads lists of videos: one address or path a line, before it the SHA-256 of the file, as `sha256sum` writes it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

from pipeline.errors import AnnotationError
from pipeline.remote.objects import is_remote
from pipeline.remote_files.addresses import is_web, name_of, unsafe

SUFFIXES = (".txt", ".lst", ".list", ".sha256")
"""Of files, here or elsewhere, that are lists."""
MOST_BYTES = 1_000_000_000

_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}$")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""How an address begins, also one with a single slash, which a web address would be joined with."""
_HASHED = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})[ \t]+\*?(.+)")


class Line(NamedTuple):
    """One file of a list."""

    video_id: str
    """By the address alone: no other line changes it."""
    address: str
    """Or the absolute path of a local file."""
    sha256: str
    """Empty: not stated."""


def is_list(source: str) -> bool:
    """Whether this is the name or the address of a list, and not a folder."""
    path = source.partition("?")[0] if is_remote(source) else source
    return path.lower().endswith(SUFFIXES)


def is_single(source: str) -> bool:
    """Whether this is the address of a single file that has a suffix, on a web server, or of captions anywhere."""
    name = source.partition("?")[0].rpartition("/")[2].lower()
    return bool(_SUFFIX.search(name)) if is_web(source) else name.endswith((".csv", ".tsv", ".jsonl", ".parquet"))


def read_list(text: str, source: str, left_out: list[str]) -> Iterator[Line]:
    """The files of a list; `source` is its own path or address, to which names in it are relative.

    Empty lines and those that begin with # are comments. What cannot be a file is appended to `left_out`, and so is
    what stands there twice. AnnotationError where nothing is left.
    """
    seen: dict[str, Line] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip().removeprefix("\ufeff")
        if not line or line.startswith("#"):
            continue
        found = _HASHED.fullmatch(line)
        name = found[2].strip() if found else line
        if is_foreign(name):
            left_out.append(f"line {number} of the list: no kind of address that is read; left out")
            continue
        one = line_of(name, found[1].lower() if found else "", source)
        if why := unsafe(one.video_id):
            left_out.append(f"line {number} of the list: no name for a file, since {why}; left out")
        elif (first := seen.get(one.video_id)) is not None:
            if first != one:
                left_out.append(f"line {number} of the list: {one.video_id} stands above already; left out")
        else:
            seen[one.video_id] = one
            yield one
    if not seen:
        raise AnnotationError(f"{source}: no address in this list; write one a line")


def is_foreign(name: str) -> bool:
    """Whether it is an address of a kind that is not read."""
    return bool(_SCHEME.match(name)) and not is_remote(name)


def line_of(name: str, sha256: str, source: str) -> Line:
    """The file that a name in the list or table at `source`, its path or address, means."""
    if is_remote(name):
        return Line(name_of(name), name, sha256)
    if is_web(source):
        address = urljoin(source, name)
        return Line(name_of(address), address, sha256)
    if is_remote(source):
        address = f"{source.rpartition('/')[0]}/{name}"
        return Line(name_of(address), address, sha256)
    path = os.path.abspath(Path(source).expanduser().parent / Path(name).expanduser())  # noqa: PTH100 - keeps links
    below = os.path.relpath(path, Path(source).expanduser().absolute().parent)
    return Line(path.lstrip("/") if below.startswith("..") else below, path, sha256)
