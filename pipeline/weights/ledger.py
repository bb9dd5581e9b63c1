"""Checksums of the files in a cache, remembered by size, time and inode, so that each file is read once."""

import functools
import hashlib
import json
import stat
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.stores.atomic import write_text

NAME = "checksums.json"
"""Name of the ledger in a cache folder. Without it all files are read again; nothing else is lost."""

SETTLED_NS = 100_000_000
"""A file that changed less than this ago may change again without getting another time."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    """What is known of one file."""

    address: str
    """For which address it was looked at first."""
    sha256: str
    md5: str
    stamp: tuple[int, ...]
    """Size, time of the last change in ns, inode."""


class Ledger:
    """The ledger of the cache in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def remembered(self, place: str) -> Entry | None:
        """The entry of the file at this path in the cache, as it was last seen; the file may be gone or changed."""
        entry = self._read().get(place)
        try:
            return Entry(**entry | {"stamp": tuple(entry["stamp"])}) if entry else None
        except (TypeError, KeyError):
            return None

    def look(self, place: str, address: str) -> Entry | None:
        """The entry of the file as it is now, read where it is new or changed; None where there is no regular file."""
        path, known = self._folder / place, self.remembered(place)
        stamp = _stamp(path)  # before it is read: a change meanwhile gives another one, and a second look
        if stamp is None or (known and known.stamp == stamp):
            return None if stamp is None else known
        is_settled = not 0 <= time.time_ns() - stamp[1] < SETTLED_NS
        sha256, md5 = (_checksums if is_settled else _checksums.__wrapped__)(path, stamp)
        stamp = stamp if is_settled else (stamp[0], 0, stamp[2])  # so that it is read again at the next look
        return Entry(known.address if known and known.sha256 == sha256 else address, sha256, md5, stamp)

    def remember(self, place: str, entry: Entry) -> None:
        """Remembers an entry; does nothing where it is known, or the folder cannot be written to."""
        if entry != self.remembered(place):
            with suppress(OSError):
                write_text(self._folder / NAME, json.dumps(self._read() | {place: asdict(entry)}, indent=1))

    def _read(self) -> dict[str, Any]:
        try:
            entries = json.loads((self._folder / NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return entries if isinstance(entries, dict) else {}


@functools.lru_cache(maxsize=256)  # for caches that the ledger cannot be written to
def _checksums(path: Path, stamp: tuple[int, ...]) -> tuple[str, str]:
    """(sha256, md5) of the file while it has this stamp."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            sha256.update(block)
            md5.update(block)
    return sha256.hexdigest(), md5.hexdigest()


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ino) if stat.S_ISREG(found.st_mode) else None
