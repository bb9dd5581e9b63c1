"""Atomic and durable writes: written under a temporary name, flushed to the disk, and published by one rename.

Every result, cache and download appears under its name through `publish`. After a power loss a name without the flush
may lead to a file of 0 bytes, since the system writes names and contents in any order.
"""

import contextlib
import errno
import hashlib
import os
import platform
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".tmp-"
"""Prefix of files and folders that are being written; a killed run leaves them, and CollectGarbage removes them."""

ABANDONED_S = 3600
"""Where nothing was written for so long, and the process that wrote is gone, a temporary file is abandoned."""

FOREIGN_ABANDONED_S = 7 * 24 * 3600
"""The same for files of another machine, whose processes cannot be seen from here."""

WAIT_S = 0.2
"""Between two looks whether another process is done."""

_OWNER = re.compile(rf"{re.escape(TEMPORARY)}([0-9a-f]{{8}})_(\d+)_")
_NO_FSYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES}
"""Answers of file systems that cannot flush a folder, e.g. some network drives; they order names by themselves."""


def temporary(path: Path) -> Path:
    """A new name beside `path` for what is being written; it tells which process on which machine writes."""
    return path.with_name(f"{TEMPORARY}{_machine()}_{os.getpid()}_{uuid.uuid4().hex[:8]}-{path.name}")


def publish(written: Path, path: Path) -> None:
    """Renames the file or folder `written` to `path`, with its contents and its name on the disk.

    A file replaces an older one; a folder must be new. OSError where the disk is full or cannot be written.
    """
    if written.is_dir():
        for folder, _, names in os.walk(written, topdown=False):
            for name in names:
                _flush(Path(folder, name))
            _flush_folder(Path(folder))
    else:
        _flush(written)
    os.replace(written, path)  # noqa: PTH105 - replaces on every system
    _flush_folder(path.parent)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Context with a temporary path in the same folder, published as `path` at the end; deleted after an exception."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = temporary(path)
    try:
        yield written
        publish(written, path)
    finally:
        written.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically (UTF-8); makes the folders above it."""
    with replacing(path) as written:
        written.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file atomically; makes the folders above it."""
    with replacing(path) as written:
        written.write_bytes(content)


@contextmanager
def exclusive(folder: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Context in which no other process is in this context of the same folder, which is made where it is missing.

    `waits` is called once where another process is in it. A process that dies leaves it. Where the file system or the
    system has no locks, nothing is waited for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, waits)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, waits: Callable[[], None]) -> None:
    try:
        import fcntl
    except ImportError:
        return
    has_told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not has_told:
                waits()
            has_told = True
            time.sleep(WAIT_S)  # and not in the lock: a signal ends it
        except OSError:
            return
        else:
            return


def is_abandoned(path: Path) -> bool:
    """Whether nobody can still be writing to a temporary or unfinished file or folder.

    Judged by the newest date of all that is inside, and by the process that its name tells. What names no process is
    judged as if it were of another machine where it is a folder without a temporary name, e.g. a training.
    """
    try:
        quiet_s = time.time() - _newest_s(path)
    except FileNotFoundError:
        return False  # published or deleted just now
    owner = _OWNER.match(path.name)
    if owner is None:
        return quiet_s > (ABANDONED_S if path.name.startswith(TEMPORARY) else FOREIGN_ABANDONED_S)
    if owner[1] != _machine():
        return quiet_s > FOREIGN_ABANDONED_S
    return quiet_s > ABANDONED_S and not _is_alive(int(owner[2]))


def this_process() -> str:
    """The name of this process on this machine, as `has_ended` takes it; it holds no blank."""
    return f"{_machine()}_{os.getpid()}"


def has_ended(process: str) -> bool:
    """Whether the process with this name (see `this_process`) is known to have ended.

    False for one of another machine, whose processes cannot be seen from here, and for what is no such name.
    """
    machine, _, number = process.partition("_")
    return machine == _machine() and number.isdecimal() and not _is_alive(int(number))


def _newest_s(path: Path) -> float:
    inside = path.rglob("*") if path.is_dir() else ()
    newest = path.lstat().st_mtime
    for one in inside:
        with contextlib.suppress(FileNotFoundError):
            newest = max(newest, one.lstat().st_mtime)
    return newest


def _machine() -> str:
    """8 hex digits of the machine and of the space of its process numbers, which each container has for itself."""
    try:
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except OSError:
        space = ""
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    try:
        _flush(folder)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise
