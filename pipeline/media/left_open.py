"""The file of this process that was not read to its end, left open for who reads on in it; at most one."""

from pathlib import Path

from pipeline.media.cursor import Cursor
from pipeline.remote_files.files import version_of

File = tuple[object, ...]
"""The path of a file, and what tells its versions apart: one that was changed is not read on."""

_left_open: list[tuple[File, Cursor]] = []


def file_at(path: Path) -> File | None:
    """The file at `path`; None where there is none, or it cannot be looked at."""
    try:
        return version_of(path)
    except OSError:
        return None


def leave(file: File, cursor: Cursor) -> None:
    """Leaves a file open in place of the one before, which is closed."""
    close()
    _left_open.append((file, cursor))


def take(path: Path) -> Cursor | None:
    """The cursor in the file at `path`, for the caller to close or to leave again; None if it is not open, or was
    changed since. Then no file is open any longer."""
    known, cursor = _left_open.pop() if _left_open else (None, None)
    if cursor is not None and known != file_at(path):
        cursor.close()
        return None
    return cursor


def take_unread(path: Path) -> Cursor | None:
    """As `take`, if no frame has come yet; any other file stays open."""
    if not any(file[0] == path and not cursor.has_begun for file, cursor in _left_open):
        return None
    return take(path)


def close() -> None:
    """Closes the file that is open."""
    while _left_open:
        _left_open.pop()[1].close()
