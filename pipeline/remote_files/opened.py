"""Opens files by what was listed of them: fetched whole, read by ranges, or as a piece of a tar or a table."""

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.errors import ArchiveError, RemoteError
from pipeline.packed import tables
from pipeline.packed.window import Window
from pipeline.remote.objects import is_remote
from pipeline.remote_files import transfer
from pipeline.remote_files.addresses import shown
from pipeline.remote_files.facts import CHANGED, Facts
from pipeline.remote_files.home import Home
from pipeline.remote_files.reader import BlockReader

_SUFFIX = re.compile(r"\.[A-Za-z0-9_-]{1,10}")


def opened(home: Home, facts: Facts, path: Path) -> BinaryIO:
    """The file of these facts, to be read; RemoteError where it cannot be. `path` stands for it here."""
    return _inner(home, facts, path) if facts.inside else _outer(home, facts, path, path.suffix)


def opened_pack(home: Home, facts: Facts, path: Path) -> BinaryIO:
    """As `opened`, a tar or a table, of which `path` is a member: what is fetched of it serves all of them."""
    if not is_remote(facts.address):
        return _local(facts)
    # What a list promises of all its bytes can be told of no range.
    return whole(home, facts, Path()).open("rb") if facts.sha256 else _outer(home, facts, path, "")


def _outer(home: Home, facts: Facts, path: Path, suffix: str) -> BinaryIO:
    name = _name(facts, suffix)
    if is_small(home, facts):
        return home.cache.open(name, lambda to: _fetch(home, facts, to), facts.size)
    return cast(BinaryIO, BlockReader(path, facts, name, home.cache, lambda: whole(home, facts, Path(f"x{suffix}"))))


def is_small(home: Home, facts: Facts) -> bool:
    """Whether a remote file is fetched whole, and not read by ranges."""
    # Of a file of which no version is known, two blocks might be of two.
    return facts.size <= home.reading.whole_mb * 1e6 or not (facts.sha256 or facts.is_versioned)


def whole(home: Home, facts: Facts, path: Path) -> Path:
    """The path of the bytes in the cache, all of which are there."""
    if facts.size > home.cache.most_bytes:
        raise RemoteError(f"{shown(facts.address)}: larger than the cache; raise cache_gb under [Videos] in luigi.cfg")
    # A member is made of the bytes of its tar, which are in the same cache: one lock within another.
    cache = home.cache_with("locks-members") if facts.inside else home.cache
    return cache.path(_name(facts, path.suffix), lambda to: _fetch(home, facts, to, path), facts.size)


def _fetch(home: Home, facts: Facts, to: Path, path: Path | None = None) -> None:
    if facts.inside and path:
        with _inner(home, facts, path) as source, to.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    else:
        transfer.fetch(facts, to, home.cache.most_bytes)


def _local(facts: Facts) -> BinaryIO:
    """A tar or a table that lies here; RemoteError where it is another one than was listed."""
    try:
        file = Path(facts.address).open("rb")  # noqa: SIM115 - closed by who reads it
    except OSError as error:
        raise RemoteError(f"{facts.address}: cannot be read: {error.strerror}") from None
    stat = os.fstat(file.fileno())
    if facts.differs(Facts(facts.address, stat.st_size, modified=str(stat.st_mtime_ns))):
        file.close()
        raise transfer.ChangedError(f"{facts.address}: {CHANGED}")
    return file


def _inner(home: Home, facts: Facts, path: Path) -> BinaryIO:
    assert facts.inside, "asked of what lies inside of another file"
    place, name = facts.inside, f"file:{path}"
    if place.group < 0:
        return cast(BinaryIO, Window(opened_pack(home, facts.container, path), place.start, facts.size, name))
    cells = home.cache_with("locks-cells").open(_name_of_group(facts), lambda to: _spill(home, facts, path, to))
    start, size = tables.cell(cells, place.start)
    if size < 0:
        cells.close()
        raise RemoteError(f"{shown(facts.address)}: no bytes in row {place.start} of row group {place.group}")
    return cast(BinaryIO, Window(cells, start, size, name))


def _spill(home: Home, facts: Facts, path: Path, to: Path) -> None:
    """Writes the cells of a row group of a table, which are read together."""
    assert facts.inside, "asked of what lies inside of another file"
    try:
        with opened_pack(home, facts.container, path) as table:
            tables.spill(table, facts.inside.group, facts.inside.column, to, home.cache.most_bytes)
    except ArchiveError as error:
        raise RemoteError(f"{shown(facts.address)}: {error}") from None


def _name_of_group(facts: Facts) -> str:
    assert facts.inside, "asked of what lies inside of another file"
    key = f"{facts.container.entry} {facts.inside.group} {facts.inside.column}"
    return hashlib.sha256(key.encode()).hexdigest()[:32] + ".cells"


def _name(facts: Facts, suffix: str) -> str:
    """Of a version of a file in the cache; with its suffix, by which FFmpeg tells some formats."""
    return hashlib.sha256(facts.entry.encode()).hexdigest()[:32] + (suffix if _SUFFIX.fullmatch(suffix) else "")
