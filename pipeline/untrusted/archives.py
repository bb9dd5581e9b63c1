"""Extracts wanted files from untrusted archives, under file names of our own, with limits on size and number."""

import hashlib
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pipeline.errors import ArchiveError
from pipeline.file_kinds import irregular
from pipeline.stores import atomic

_NAME_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
MAX_NAME_BYTES = 1 << 20

MAX_LINK_DEPTH = 8
"""Links that are followed from one to the next."""


@dataclass(frozen=True)
class Limits:
    """Limits on the contents of an archive, far above those of the largest released ones."""

    members: int = 100_000
    member_bytes: int = 64 << 30
    all_bytes: int = 256 << 30


@dataclass(frozen=True)
class Unpacked:
    """A file extracted from an archive."""

    path: Path
    sha256: str


LIMITS = Limits()


def unpack(archive: Path, wanted: Callable[[str], bool], folder: Path, limits: Limits = LIMITS) -> dict[str, Unpacked]:
    """Extracts the members for which `wanted` is true into `folder`; returns member -> extracted file.

    `archive` is a .tar in any compression, a .zip, or a folder with the contents of one. All members are checked before
    the first one is written. ArchiveError names the member that is refused, or says why the archive cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    extracted: dict[str, Unpacked] = {}
    with _opened(archive) as members:
        openers = dict(members(limits))
        for name in filter(wanted, openers):
            path = folder / f"{len(extracted)}{PurePosixPath(name).suffix[:12]}"
            extracted[name] = Unpacked(path, _copy(name, openers[name], path, limits))
    return extracted


Opener = Callable[[], IO[bytes]]
"""Opens a member for reading."""
Members = Callable[[Limits], Iterator[tuple[str, Opener]]]
"""Lists (name, opener) of the members; ArchiveError for the first one that is not safe or exceeds the limits."""


@contextmanager
def _opened(archive: Path) -> Iterator[Members]:
    """The archive, opened as the function that lists its members; errors of the libraries become ArchiveError."""
    if archive.is_dir():
        yield lambda limits: _folder_members(archive, limits)
        return
    if why := irregular(archive):
        raise ArchiveError(f"{archive}: {why}; give the archive as a file or an unpacked folder")
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                yield lambda limits: _zip_members(packed, limits)
        else:
            with tarfile.open(archive, "r:*", tarinfo=_CheckedHeader) as tar:
                yield lambda limits: _tar_members(tar, limits)
    except FileNotFoundError:
        raise ArchiveError(f"{archive}: no such file") from None
    except ArchiveError as error:
        raise ArchiveError(f"{archive}: {error}") from None
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError, zlib.error) as error:
        message = str(error).partition(":\n")[0]
        raise ArchiveError(f"{archive}: not an archive that can be read ({message}); get it again") from None


def _tar_members(tar: tarfile.TarFile, limits: Limits) -> Iterator[tuple[str, Opener]]:
    """The files of a tar; links are followed inside the archive only."""
    budget = _Budget(limits)
    members: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        budget.count(member.name, member.size)
        _check_tar(member)
        members[str(PurePosixPath(member.name))] = member
    for name, member in members.items():
        target = _follow(member, members)
        if target is not None and target.isreg():
            yield name, lambda target=target: _file_of(tar, target)  # type: ignore[misc]


class _CheckedHeader(tarfile.TarInfo):
    """A member's header that refuses huge names: tarfile reads a long-name header into memory, whatever its size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_CheckedHeader":
        """Parses a header, see tarfile.TarInfo.frombuf; ArchiveError when it announces a huge name."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in _NAME_HEADERS and header.size > MAX_NAME_BYTES:
            raise ArchiveError(f"refused, a name in it is {header.size} bytes long")
        return header


def _check_tar(member: tarfile.TarInfo) -> None:
    name = _safe(member.name)
    if member.issparse() or not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise ArchiveError(f"refused, {name!r} is a device, a pipe or a file with holes")
    if member.issym() or member.islnk():
        _safe_link(member)


def _safe(name: str) -> str:
    """The name, unchanged; ArchiveError when it leads out of the folder of the extraction."""
    path = PurePosixPath(name)
    windows = "\\" in name or (len(name) > 1 and name[1] == ":")
    if path.is_absolute() or ".." in path.parts or windows or "\0" in name:
        raise ArchiveError(f"refused, the name {name!r} leads out of the archive")
    return name


def _safe_link(member: tarfile.TarInfo) -> str:
    """The member that a link points to; ArchiveError when that is outside of the archive."""
    start = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
    target = os.path.normpath(start / member.linkname)
    if target.startswith(("..", "/")) or "\\" in target or PurePosixPath(member.linkname).is_absolute():
        raise ArchiveError(f"refused, the link {member.name!r} leads out of the archive, to {member.linkname!r}")
    return target


def _follow(member: tarfile.TarInfo, members: dict[str, tarfile.TarInfo]) -> tarfile.TarInfo | None:
    """The member itself, or the one at the end of its links; None for a dangling link."""
    target: tarfile.TarInfo | None = member
    for _ in range(MAX_LINK_DEPTH):
        if target is None or not (target.issym() or target.islnk()):
            return target
        target = members.get(_safe_link(target))
    raise ArchiveError(f"refused, the link {member.name!r} leads to itself")


def _file_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None, "only links and folders have none, and the member is a regular file"
    return file


def _zip_members(packed: zipfile.ZipFile, limits: Limits) -> Iterator[tuple[str, Opener]]:
    budget = _Budget(limits)
    for member in packed.infolist():
        budget.count(_safe(member.filename), member.file_size)
        if not member.is_dir():
            yield member.filename, lambda member=member: packed.open(member)  # type: ignore[misc]


def _folder_members(folder: Path, limits: Limits) -> Iterator[tuple[str, Opener]]:
    budget, root = _Budget(limits), folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            if not path.resolve().is_relative_to(root):
                raise ArchiveError(f"{folder}: refused, the link {name!r} leads out of the folder")
            budget.count(name, path.stat().st_size)
            yield name, lambda path=path: path.open("rb")  # type: ignore[misc]


class _Budget:
    """Adds up the declared sizes of the members; ArchiveError when they exceed the limits."""

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
    """Writes a member to `path` and returns its sha256; stops at the limit, whatever size the header declared."""
    digest, num_bytes = hashlib.sha256(), 0
    try:
        with opener() as source, path.open("xb") as out:
            while chunk := source.read(1 << 20):
                num_bytes += len(chunk)
                if num_bytes > limits.member_bytes:
                    raise ArchiveError(f"refused, {name!r} goes on beyond {limits.member_bytes} bytes")
                digest.update(chunk)
                out.write(chunk)
    except OSError as error:
        raise ArchiveError(f"{name}: cannot be unpacked: {error.strerror or error}; free some space?") from None
    return digest.hexdigest()


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Context with the path of a temporary folder, deleted afterwards; after a kill CollectGarbage deletes it."""
    path = atomic.temporary(folder / "scratch")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
