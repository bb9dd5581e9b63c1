"""A bounded folder of fetched bytes, used by any number of processes at once; what was not used for longest goes first.

Each entry is a file that appears whole, by a rename. It is a cache: nothing in it is flushed, and all may be deleted.
"""

import errno
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import OutageError

TEMPORARY = ".tmp-"
ABANDONED_S = 3600
"""A temporary file that nobody has written to for so long is what a kill left."""
IN_HAND_S = 5.0
"""What was asked for so recently is not deleted: its path may just be opened."""
NUM_LOCKS = 1024
"""Files that stand for all entries: two with the same one wait for each other, which costs no more than time."""


@dataclass
class FileCache:
    """The cache in one folder."""

    folder: Path
    most_bytes: int
    """What the files may take together; a file of its own may take as much."""
    locks: str = "locks"
    """Folder of its locks: of its own where making an entry reads entries of the same folder, as "locks" has them."""
    _unseen_bytes: int = field(default=-1, compare=False)
    """Added by this process since it counted last; -1: it never did."""

    def path(self, name: str, make: Callable[[Path], None], size: int = -1) -> Path:
        """The path of the entry; `make` writes it where it is missing or has another size than `size` (-1: any).

        Processes that want the same entry wait for the one that makes it. Errors of `make` are raised. OutageError
        where the disk is full.
        """
        path = self.folder / name[:2] / name
        if not _is_there(path, size):
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked(name):
                if not _is_there(path, size):
                    self._make(path, make)
        return path

    def open(self, name: str, make: Callable[[Path], None], size: int = -1) -> BinaryIO:
        """As `path`, opened, so that it can be read to its end even if it is deleted."""
        while True:
            with suppress(FileNotFoundError):  # deleted for others in this moment
                return self.path(name, make, size).open("rb")

    def make_room(self, most_bytes: int) -> None:
        """Deletes the files that were not used for longest, until the rest takes no more than this."""
        now_s, found = time.time(), []
        for path in _files(self.folder):
            with suppress(OSError):
                stat = path.stat()
                if path.name.startswith(TEMPORARY) and now_s - stat.st_mtime > ABANDONED_S:
                    path.unlink()
                else:
                    found.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        for used_s, size, path in sorted(found):
            if total <= most_bytes or now_s - used_s < IN_HAND_S:
                break
            with suppress(OSError):
                path.unlink()
                total -= size
        self._unseen_bytes = 0

    def _make(self, path: Path, make: Callable[[Path], None]) -> None:
        temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{uuid.uuid4().hex[:8]}{path.suffix}")
        try:
            try:
                make(temporary)
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                    raise
                temporary.unlink(missing_ok=True)
                self.make_room(0)
                make(temporary)
            size = temporary.stat().st_size
            os.replace(temporary, path)  # noqa: PTH105 - replaces on every system
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}:
                raise OutageError(
                    f"{self.folder}: {error.strerror}; free some space, or lower cache_gb under [Videos] in luigi.cfg"
                ) from None
            raise
        finally:
            temporary.unlink(missing_ok=True)
        self._added(size)

    def _added(self, size: int) -> None:
        """Makes room when this process has added so much that all of them together may have come to the limit."""
        self._unseen_bytes += size if self._unseen_bytes >= 0 else 0
        if self._unseen_bytes < 0 or self._unseen_bytes > self.most_bytes / (8 * (os.cpu_count() or 1)):
            self.make_room(self.most_bytes * 7 // 8)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Context that one process at a time is in; where the file system has no locks, nothing is waited for."""
        number = int(hashlib.sha256(name.encode()).hexdigest(), 16) % NUM_LOCKS
        folder = self.folder / self.locks
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f"{number:03x}"):
            yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Context that one process at a time is in, by a lock on the file, which is made where it is missing."""
    with path.open("wb") as file:
        with suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_there(path: Path, size: int) -> bool:
    """Whether the entry is there, which from now on was used."""
    try:
        if size >= 0 and path.stat().st_size != size:
            return False  # what a power loss left
        os.utime(path)
    except OSError:
        return False
    return True


def _files(folder: Path) -> Iterator[Path]:
    for inner in folder.iterdir() if folder.is_dir() else ():
        if not inner.name.startswith("locks") and inner.is_dir():
            yield from inner.iterdir()
