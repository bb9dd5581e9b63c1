"""Walks the folder of a dataset: all files that are not hidden, through links, but in no circle."""

import os
import stat
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular

MAX_PATHS = 16
"""Ways to one folder that are followed, since links between a few folders may make endlessly many."""

NO_SIZE = -1


class Found(NamedTuple):
    """What lies at a path below the folder of a dataset, told without opening it.

    A plain record, so that any other listing of names can take the place of a walk.
    """

    name: str
    """The path below the folder, with forward slashes."""
    size: int
    """In bytes; NO_SIZE for what is no regular file or cannot be looked at."""
    mtime_ns: int
    """When it was written; 0 where it has no size."""
    kind: str = ""
    """Why it must not be opened, as `file_kinds.irregular` says it; empty for a file."""
    is_folder: bool = False
    """Whether it is a folder, or a link to one: what is in it is listed too."""
    is_open: bool = True
    """Whether it is known that everybody may read it."""


def walk(root: Path, left_out: list[str]) -> Iterator[Found]:
    """What is in the folder `root` at any depth, in no order: files, folders, pipes, broken links.

    A folder that is reached by two links is walked twice. What is not followed is appended to `left_out`, in words.
    AnnotationError for a folder that cannot be read.
    """
    times: Counter[tuple[int, int]] = Counter()
    waiting: deque[tuple[str, frozenset[tuple[int, int]]]] = deque([("", frozenset())])
    while waiting:
        below, above = waiting.popleft()  # the shortest paths first: they are the last ones to be cut
        folder = root / below
        here = _identity(folder)
        times[here] += 1
        if here in above:
            left_out.append(f"{folder}: a link to a folder that it lies in; not followed")
        elif times[here] > MAX_PATHS:
            left_out.append(f"{folder}: more than {MAX_PATHS} links lead there; not followed")
        else:
            folders = []
            for found in _entries(folder, f"{below}/" if below else ""):
                if found.is_folder:
                    folders.append(found.name)
                yield found
            waiting.extend((name, above | {here}) for name in sorted(folders))


def note_dead_link(path: Path, left_out: list[str]) -> None:
    """Appends to `left_out` when `path` is a link that leads nowhere, e.g. to a folder on a disk that is not there."""
    if path.is_symlink() and not path.exists():
        left_out.append(f"{path}: {irregular(path)}; what may be behind it is left out")


def _entries(folder: Path, prefix: str) -> Iterator[Found]:
    """What is in a folder and not hidden, one at a time: it may hold millions."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    yield _record(entry, prefix)
    except OSError as error:
        raise _unreadable(folder, error) from None


def _record(entry: "os.DirEntry[str]", prefix: str) -> Found:
    name = prefix + entry.name
    try:
        if entry.is_dir():
            kind = "a link to a folder, not a file" if entry.is_symlink() else "a folder, not a file"
            return Found(name, NO_SIZE, 0, kind, is_folder=True)
        looked = entry.stat()
        mode = looked.st_mode
        if stat.S_ISREG(mode):
            return Found(name, looked.st_size, looked.st_mtime_ns, "", False, mode & 0o444 == 0o444)
    except OSError:  # a link that leads nowhere or back to itself, or into a folder that may not be read
        pass
    return Found(name, NO_SIZE, 0, irregular(Path(entry.path)), is_open=False)


def _identity(folder: Path) -> tuple[int, int]:
    """What tells a folder from all others."""
    try:
        found = folder.stat()
    except OSError as error:
        raise _unreadable(folder, error) from None
    return found.st_dev, found.st_ino


def _unreadable(folder: Path, error: OSError) -> AnnotationError:
    return AnnotationError(f"{folder}: cannot be read: {error.strerror}")
