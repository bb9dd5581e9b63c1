"""Takes files out of archives of strangers: nothing is written but what is asked for, under names of ours."""

import hashlib
import os
import shutil
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pipeline.errors import ArchiveError
from pipeline.stores.atomic import TEMPORARY

_NAME_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
MOST_NAME_BYTES = 1 << 20

MOST_LINKS = 8
"""Links that lead to each other end here."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold; far above the largest released ones."""

    members: int = 100_000
    member_bytes: int = 64 << 30
    all_bytes: int = 256 << 30


@dataclass(frozen=True)
class Unpacked:
    """A file from an archive."""

    path: Path
    sha256: str


LIMITS = Limits()


def unpack(archive: Path, wanted: Callable[[str], bool], folder: Path, limits: Limits = LIMITS) -> dict[str, Unpacked]:
    """Member -> the file that was made of it in `folder`, for each member that is `wanted`.

    Takes a .tar in any compression, a .zip, or the folder that somebody unpacked. Every member is looked at before the
    first one is written; ArchiveError names the one that is not as it should be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Unpacked] = {}
    with _opened(archive) as members:
        listed = dict(members(limits))
        for name in filter(wanted, listed):
            path = folder / f"{len(made)}{PurePosixPath(name).suffix[:12]}"
            made[name] = Unpacked(path, _copy(name, listed[name], path, limits))
    return made


Opener = Callable[[], IO[bytes]]
Members = Callable[[Limits], Iterator[tuple[str, Opener]]]


@contextmanager
def _opened(archive: Path) -> Iterator[Members]:
    """The members of the archive, each with what opens it."""
    if archive.is_dir():
        yield lambda limits: _of_folder(archive, limits)
        return
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                yield lambda limits: _of_zip(packed, limits)
        else:
            with tarfile.open(archive, "r:*", tarinfo=_Header) as tar:
                yield lambda limits: _of_tar(tar, limits)
    except FileNotFoundError:
        raise ArchiveError(f"{archive}: no such file") from None
    except ArchiveError as error:
        raise ArchiveError(f"{archive}: {error}") from None
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError, zlib.error) as error:
        told = str(error).partition(":\n")[0]
        raise ArchiveError(f"{archive}: not an archive that can be read ({told}); get it again") from None


def _of_tar(tar: tarfile.TarFile, limits: Limits) -> Iterator[tuple[str, Opener]]:
    """Links are followed inside the archive only."""
    tally = _Tally(limits)
    members: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        tally.count(member.name, member.size)
        _check_tar(member)
        members[str(PurePosixPath(member.name))] = member
    for name, member in members.items():
        target = _follow(member, members)
        if target is not None and target.isreg():
            yield name, lambda target=target: _need(tar.extractfile(target))  # type: ignore[misc]


class _Header(tarfile.TarInfo):
    """The header of a member; tarfile reads those that only carry a long name into memory, whatever their size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        """As tarfile reads it."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in _NAME_HEADERS and header.size > MOST_NAME_BYTES:
            raise ArchiveError(f"refused, a name in it is {header.size} bytes long")
        return header


def _check_tar(member: tarfile.TarInfo) -> None:
    name = _safe(member.name)
    if member.issparse() or not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise ArchiveError(f"refused, {name!r} is a device, a pipe or a file with holes")
    if member.issym() or member.islnk():
        _safe_link(member)


def _safe(name: str) -> str:
    """The name; ArchiveError when it leads out of the folder that the archive is unpacked in."""
    path = PurePosixPath(name)
    windows = "\\" in name or (len(name) > 1 and name[1] == ":")
    if path.is_absolute() or ".." in path.parts or windows or "\0" in name:
        raise ArchiveError(f"refused, the name {name!r} leads out of the archive")
    return name


def _safe_link(member: tarfile.TarInfo) -> str:
    """What a link leads to, inside the archive."""
    start = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
    target = os.path.normpath(start / member.linkname)
    if target.startswith(("..", "/")) or "\\" in target or PurePosixPath(member.linkname).is_absolute():
        raise ArchiveError(f"refused, the link {member.name!r} leads out of the archive, to {member.linkname!r}")
    return target


def _follow(member: tarfile.TarInfo, members: dict[str, tarfile.TarInfo]) -> tarfile.TarInfo | None:
    found: tarfile.TarInfo | None = member
    for _ in range(MOST_LINKS):
        if found is None or not (found.issym() or found.islnk()):
            return found
        found = members.get(_safe_link(found))
    raise ArchiveError(f"refused, the link {member.name!r} leads to itself")


def _of_zip(packed: zipfile.ZipFile, limits: Limits) -> Iterator[tuple[str, Opener]]:
    tally = _Tally(limits)
    for member in packed.infolist():
        tally.count(_safe(member.filename), member.file_size)
        if not member.is_dir():
            yield member.filename, lambda member=member: packed.open(member)  # type: ignore[misc]


def _of_folder(folder: Path, limits: Limits) -> Iterator[tuple[str, Opener]]:
    tally, root = _Tally(limits), folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            if not path.resolve().is_relative_to(root):
                raise ArchiveError(f"{folder}: refused, the link {name!r} leads out of the folder")
            tally.count(name, path.stat().st_size)
            yield name, lambda path=path: path.open("rb")  # type: ignore[misc]


class _Tally:
    """Adds up what the members say of themselves, and stops at the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._members = self._bytes = 0

    def count(self, name: str, num_bytes: int) -> None:
        self._members += 1
        self._bytes += num_bytes
        if num_bytes > self._limits.member_bytes or num_bytes < 0:
            raise ArchiveError(f"refused, {name!r} would have {num_bytes} bytes")
        if self._members > self._limits.members or self._bytes > self._limits.all_bytes:
            raise ArchiveError(f"refused, at {name!r} it has {self._members} members of {self._bytes} bytes")


def _copy(name: str, opener: Opener, path: Path, limits: Limits) -> str:
    """Writes the file and returns its sha256; it may be no longer than the limits, whatever its header said."""
    digest, have = hashlib.sha256(), 0
    try:
        with opener() as inside, path.open("xb") as out:
            while chunk := inside.read(1 << 20):
                have += len(chunk)
                if have > limits.member_bytes:
                    raise ArchiveError(f"refused, {name!r} goes on beyond {limits.member_bytes} bytes")
                digest.update(chunk)
                out.write(chunk)
    except OSError as error:
        raise ArchiveError(f"{name}: cannot be unpacked: {error.strerror or error}; free some space?") from None
    return digest.hexdigest()


def _need(file: Any) -> IO[bytes]:
    opened: IO[bytes] = file
    return opened


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for what is unpacked, gone afterwards; CollectGarbage finds it after a kill."""
    path = folder / f"{TEMPORARY}{uuid.uuid4().hex[:12]}"
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
