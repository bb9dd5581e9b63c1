"""Files by their paths, wherever they lie: a path in a tree that stands for remote files leads to these (`home.py`).

For a path of any other file, each function does what `pathlib` does.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import RemoteError
from pipeline.remote_files import listing
from pipeline.remote_files.addresses import shown
from pipeline.remote_files.facts import Facts
from pipeline.remote_files.home import Home, home_of
from pipeline.remote_files.lists import is_list
from pipeline.remote_files.opened import is_small, opened, whole
from pipeline.remote_files.reader import faults

THREADS = 16
"""Files that are fetched side by side."""
MOST_BYTES_OF_TEXT = 1 << 30
"""Of a remote list, a table of captions, subtitles."""


def facts_of(path: Path) -> Facts | None:
    """What was listed of a remote file; None for one that lies here. FileNotFoundError for one that is not listed."""
    found = _found(path)
    return found[1] if found else None


def place_of(path: Path) -> str:
    """Where a file lies, for people: its path, or the address of a remote one without what may be secret in it."""
    try:
        facts = facts_of(path)
    except (FileNotFoundError, RemoteError):
        return path.name
    if facts is None:
        return str(path)
    return f"{shown(facts.address)} ({path.name})" if facts.inside else shown(facts.address)


def is_named(path: Path) -> bool:
    """Whether somebody has named the file in a list: it was not just found below an address, or in a tar.

    Also what stands for a tar or a table that cannot be read, which must be told.
    """
    found = home_of(path)
    if not found:
        return False
    facts = listed(path)
    return bool(facts and facts.problem) or (is_list(found[0].source) and not (facts and facts.inside))


def prefetch(paths: Iterable[Path]) -> None:
    """Fetches small remote files side by side, whose reading one after another then finds them; of others nothing."""
    there = [path for path in paths if home_of(path)]
    if there:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(_fetched_if_it_can_be, there))


def facts_below(folder: Path) -> dict[str, Facts]:
    """Path below `folder`, in a tree, -> what was listed of the file; empty for any other folder."""
    found = home_of(folder)
    if found is None:
        return {}
    prefix = f"{found[1]}/" if found[1] else ""
    facts = listing.read_all(found[0].folder)
    if not prefix:
        return facts
    return {name.removeprefix(prefix): one for name, one in facts.items() if name.startswith(prefix)}


def listed(path: Path) -> Facts | None:
    """What was listed of a remote file, also of one that cannot be read; None for one that lies here."""
    found = home_of(path)
    if found is None:
        return None
    facts = listing.read(found[0].folder, found[1])
    return Facts("", problem="not listed any more") if facts is None else None if facts.is_local else facts


def problem_of(path: Path) -> str:
    """Why a remote file cannot be read, as far as its server said; empty for all others."""
    facts = listed(path)
    return facts.problem if facts else ""


def open_binary(path: Path) -> BinaryIO:
    """The file, to be read: a remote one whole where it is small, else by ranges. RemoteError where it cannot be."""
    found = _found(path)
    if found is None:
        return path.open("rb")
    return opened(*found, path)


def on_disk(path: Path) -> Path:
    """The path of the file's bytes on this disk: a remote one is fetched whole, whatever its size."""
    found = _found(path)
    return path if found is None else whole(*found, path)


def small_on_disk(path: Path) -> Path | None:
    """As `on_disk`; None for a remote file that is to be read by ranges, or one inside of another file."""
    found = _found(path)
    if found is None:
        return path
    return whole(*found, path) if is_small(*found) and not found[1].inside else None


def read_bytes(path: Path) -> bytes:
    """All bytes of a text; a remote one is kept in the cache. RemoteError for one that is none by its size."""
    if _found(path) is None:
        return path.read_bytes()
    if size_of(path) > MOST_BYTES_OF_TEXT:
        raise RemoteError(f"{place_of(path)}: {size_of(path)} bytes, as no text has")
    with open_binary(path) as file:
        return file.read()


def size_of(path: Path) -> int:
    """Bytes of a file; -1 for a remote one whose server does not say. OSError where there is none."""
    facts = facts_of(path)
    if facts and facts.inside and facts.size < 0:  # a cell of a table, which is read for it
        with open_binary(path) as file:
            return file.seek(0, os.SEEK_END)
    return path.stat().st_size if facts is None else facts.size


def version_of(path: Path) -> tuple[object, ...]:
    """What tells a file from others and from its other versions, for caches of this process. OSError where none is."""
    facts = facts_of(path)
    if facts is not None:
        return path, facts
    stat = path.stat()
    return path, stat.st_ino, stat.st_size, stat.st_mtime_ns


@contextmanager
def faults_raised(path: Path) -> Iterator[None]:
    """Context in which FFmpeg reads the file, at whose end the RemoteError is raised that a reading of it met.

    FFmpeg takes many a fault for the end of the file.
    """
    faults.pop(f"file:{path}", None)
    yield
    if fault := faults.pop(f"file:{path}", None):
        raise fault


def _fetched_if_it_can_be(path: Path) -> None:
    with suppress(OSError):  # who reads it will tell
        if path.is_file():
            small_on_disk(path)


def _found(path: Path) -> tuple[Home, Facts] | None:
    found = home_of(path)
    if found is None:
        return None
    home, video_id = found
    facts = listing.read(home.folder, video_id)
    if facts is None:
        raise FileNotFoundError(2, "not listed any more", str(path))
    if facts.problem:
        raise RemoteError(facts.problem)
    return None if facts.is_local else (home, facts)
