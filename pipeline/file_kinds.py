"""Tells regular files from what must not be opened: opening a named pipe waits for ever, a device may do anything."""

import errno
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def irregular(path: Path) -> str:
    """Why `path` is no file to read, e.g. "a named pipe, not a file"; found out without opening it.

    Empty for a regular file or a link to one, and where nothing is there or may be looked at, which opening tells.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a link that leads back to itself"
        return f"a link to {path.readlink()}, which is not there" if path.is_symlink() else ""
    if stat.S_ISREG(mode):
        return ""
    kind = f"{_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file"
    return f"a link to {kind}" if path.is_symlink() else kind
