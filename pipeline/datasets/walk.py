"""Walks the folder of a dataset: all files that are not hidden, through links, but in no circle."""

import os
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular

MAX_PATHS = 16
"""Ways to one folder that are followed, since links between a few folders may make endlessly many."""


def walk(root: Path, left_out: list[str]) -> Iterator[Path]:
    """The paths of all files at any depth, also of what only has a file's place: pipes, broken links.

    A folder that is reached by two links is walked twice. What is not followed is appended to `left_out`, in words.
    AnnotationError for a folder that cannot be read.
    """
    times: Counter[tuple[int, int]] = Counter()
    waiting: deque[tuple[Path, frozenset[tuple[int, int]]]] = deque([(root, frozenset())])
    while waiting:
        folder, above = waiting.popleft()  # the shortest paths first: they are the last ones to be cut
        entries, here = _read(folder)
        times[here] += 1
        if here in above:
            left_out.append(f"{folder}: a link to a folder that it lies in; not followed")
        elif times[here] > MAX_PATHS:
            left_out.append(f"{folder}: more than {MAX_PATHS} links lead there; not followed")
        else:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if _is_folder(entry):
                    waiting.append((folder / entry.name, above | {here}))
                else:
                    yield folder / entry.name


def note_dead_link(path: Path, left_out: list[str]) -> None:
    """Appends to `left_out` when `path` is a link that leads nowhere, e.g. to a folder on a disk that is not there."""
    if path.is_symlink() and not path.exists():
        left_out.append(f"{path}: {irregular(path)}; what may be behind it is left out")


def _read(folder: Path) -> tuple[list[os.DirEntry[str]], tuple[int, int]]:
    """The entries of a folder that are not hidden, and what tells it from all other folders."""
    try:
        with os.scandir(folder) as entries:
            shown = [entry for entry in entries if not entry.name.startswith(".")]
        stat = folder.stat()
    except OSError as error:
        raise AnnotationError(f"{folder}: cannot be read: {error.strerror}") from None
    return shown, (stat.st_dev, stat.st_ino)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself, or into a folder that may not be read
        return False
