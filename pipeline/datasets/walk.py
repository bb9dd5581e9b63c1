"""Walks the folder of a dataset: all files that are not hidden, through links, but in no circle."""

import os
import stat
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular

MAX_PATHS = 16
"""Ways to one folder that are followed, since links between a few folders may make endlessly many."""

NO_SIZE = -1

_OPEN = 0o444
"""Everybody may read the file."""


class Found(NamedTuple):
    """What lies at a path below the folder of a dataset, told without opening it."""

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

    @property
    def base(self) -> str:
        """Its name in its folder."""
        return self.name.rpartition("/")[2]


@dataclass(slots=True)
class Folder:
    """What is in one folder and not hidden, told without opening it; N regular files as columns, in no order.

    There may be millions of files, and an object for each would take longer than the look at it. Plain lists, so that
    any other listing of names can take the place of a walk.
    """

    below: str
    """The path of the folder below that of the dataset, with a slash at its end; empty for that itself."""
    names: list[str] = field(default_factory=list)
    """(N,) names in this folder."""
    sizes: list[int] = field(default_factory=list)
    """(N,) in bytes."""
    mtimes_ns: list[int] = field(default_factory=list)
    """(N,)"""
    closed: set[str] = field(default_factory=set)
    """Names of the files of which it is not known that everybody may read them."""
    others: list[Found] = field(default_factory=list)
    """What is no regular file: folders, pipes, broken links."""

    def __iter__(self) -> Iterator[Found]:
        """A record of each file, and the others."""
        for name, size, mtime_ns in zip(self.names, self.sizes, self.mtimes_ns, strict=True):
            yield Found(self.below + name, size, mtime_ns, is_open=name not in self.closed)
        yield from self.others

    def only(self, flags: list[bool], of_others: Callable[[Found], bool]) -> "Folder":
        """The same folder with those of its N files whose flag is set, and those of its others for which it holds."""
        names = list(compress(self.names, flags))
        sizes, mtimes_ns = list(compress(self.sizes, flags)), list(compress(self.mtimes_ns, flags))
        return Folder(self.below, names, sizes, mtimes_ns, self.closed, list(filter(of_others, self.others)))

    def bases(self) -> list[str]:
        """The names of the files, and of the others, in this folder."""
        return [*self.names, *(found.base for found in self.others)]

    def append(self, found: Found) -> None:
        """Adds what lies in the folder."""
        if found.kind:
            self.others.append(found)
        else:
            self.names.append(found.base)
            self.sizes.append(found.size)
            self.mtimes_ns.append(found.mtime_ns)
            self.closed.update(() if found.is_open else [found.base])

    def add(self, more: "Folder") -> None:
        """Adds other files of the same folder."""
        self.names += more.names
        self.sizes += more.sizes
        self.mtimes_ns += more.mtimes_ns
        self.others += more.others


def walk(root: Path, left_out: list[str]) -> Iterator[Folder]:
    """The folder `root` and those in it at any depth, in no order.

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
            found = _read(folder, f"{below}/" if below else "")
            yield found
            folders = sorted(one.name for one in found.others if one.is_folder)
            waiting.extend((name, above | {here}) for name in folders)


def note_dead_link(path: Path, left_out: list[str]) -> None:
    """Appends to `left_out` when `path` is a link that leads nowhere, e.g. to a folder on a disk that is not there."""
    if path.is_symlink() and not path.exists():
        left_out.append(f"{path}: {irregular(path)}; what may be behind it is left out")


def _read(path: Path, below: str) -> Folder:
    """What is in a folder; it is opened once, since asking for each file by its whole path takes half as long again."""
    found = Folder(below)
    try:
        opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with os.scandir(opened) as entries:
                _fill(found, entries, path)
        finally:
            os.close(opened)
    except OSError as error:
        raise _unreadable(path, error) from None
    return found


def _fill(folder: Folder, entries: "Iterator[os.DirEntry[str]]", path: Path) -> None:
    """Adds what is not hidden; a million times, so that nothing is called that need not be."""
    names, sizes, mtimes_ns = folder.names, folder.sizes, folder.mtimes_ns
    for entry in entries:
        name = entry.name
        if name.startswith("."):
            continue
        try:
            looked = None if entry.is_dir() else entry.stat()
        except OSError:  # a link that leads nowhere or back to itself, or into a folder that may not be read
            folder.others.append(_closed(folder, name, path))
            continue
        if looked is None:
            kind = "a link to a folder, not a file" if entry.is_symlink() else "a folder, not a file"
            folder.others.append(Found(folder.below + name, NO_SIZE, 0, kind, is_folder=True))
        elif stat.S_ISREG(looked.st_mode):
            names.append(name)
            sizes.append(looked.st_size)
            mtimes_ns.append(looked.st_mtime_ns)
            if looked.st_mode & _OPEN != _OPEN:
                folder.closed.add(name)
        else:
            folder.others.append(_closed(folder, name, path))


def _closed(folder: Folder, name: str, path: Path) -> Found:
    return Found(folder.below + name, NO_SIZE, 0, irregular(path / name), is_open=False)


def _identity(folder: Path) -> tuple[int, int]:
    """What tells a folder from all others."""
    try:
        found = folder.stat()
    except OSError as error:
        raise _unreadable(folder, error) from None
    return found.st_dev, found.st_ino


def _unreadable(folder: Path, error: OSError) -> AnnotationError:
    return AnnotationError(f"{folder}: cannot be read: {error.strerror}")
