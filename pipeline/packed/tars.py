"""Lists what is in a tar: headers alone are read, and the bytes of the members are sought over.

Tars are of strangers. Python's `tarfile` judges each header block; which block is the next one is decided here, since
it keeps a record of each member, reads extended headers whole, and looks for sparse files in them by slow patterns.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from pipeline.errors import ArchiveError

BLOCK_BYTES = tarfile.BLOCKSIZE
MOST_MEMBERS = 100_000
MOST_BLOCKS = 1_000_000
"""Headers of all kinds; a member may have several."""
MOST_EXTENDED_BYTES = 1 << 16
"""Of an extended header: a long name, or attributes. Names of files are shorter, on all systems."""

_PAX, _PAX_OF_ALL, _LONG_NAME = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE), tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME
_EXTENDED = (*_PAX, _PAX_OF_ALL, _LONG_NAME, tarfile.GNUTYPE_LONGLINK)
_KINDS = {
    tarfile.LNKTYPE: "a link",
    tarfile.SYMTYPE: "a link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a file with holes",
}
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_RECORD = re.compile(rb"(\d{1,9}) ")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a tar that is no folder."""

    name: str
    """As it stands there, but for a "./" at its beginning: it may be hostile."""
    start: int
    """The first byte of it in the tar."""
    size: int
    """Bytes, all of which lie in the tar."""
    refused: str = ""
    """Why it is not read, in words; empty for a regular file."""


@dataclass
class _Told:
    """What extended headers say of the members behind them."""

    of_all: dict[str, str] = field(default_factory=dict)
    of_next: dict[str, str] = field(default_factory=dict)

    def take(self) -> dict[str, str]:
        """What holds for the next member, and no longer for the one after it."""
        told, self.of_next = self.of_all | self.of_next, {}
        return told


def members(file: BinaryIO, size: int) -> Iterator[Member]:
    """The members of an uncompressed tar of `size` bytes, in its order.

    ArchiveError, which says where, at what cannot be read or is too much; the members before it are whole.
    """
    told, at, num_members = _Told(), 0, 0
    for _ in range(MOST_BLOCKS):
        block = _read(file, at, BLOCK_BYTES, size)
        if at == 0:
            _refuse_compressed(block)
        if not block.strip(b"\0"):
            return
        header = _header(block, at)
        start = at + BLOCK_BYTES
        if header.type in _EXTENDED:
            at = _take(file, header, start, size, told)
            continue
        if header.type == tarfile.GNUTYPE_SPARSE:
            start = _behind_map(file, block, start, size)
        member = _member(header, told.take(), start, size)
        at = _after(start, member.size if _has_bytes(header) else 0)
        if header.isdir():
            continue
        num_members += 1
        if num_members > MOST_MEMBERS:
            raise ArchiveError(f"more than {MOST_MEMBERS} members; make several tars of it")
        yield member
    raise ArchiveError(f"more than {MOST_BLOCKS} headers; make several tars of it")


def _member(header: tarfile.TarInfo, told: dict[str, str], start: int, size: int) -> Member:
    name = told.get("path", header.name)
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    num_bytes = header.size
    if "size" in told:
        if not re.fullmatch(r"\d{1,18}", told["size"]):
            raise ArchiveError(f"{name[:80]!a} has no number as its size")
        num_bytes = int(told["size"])
    is_sparse = any(key.startswith("GNU.sparse.") for key in told)
    refused = "a file with holes" if is_sparse else _KINDS.get(header.type, "")
    if _has_bytes(header) and (num_bytes < 0 or start + num_bytes > size):
        raise ArchiveError(f"{name[:80]!a} would have {num_bytes} bytes, and the tar ends before: it was cut off")
    if not refused and not header.isreg():
        refused = "of an unknown kind"
    return Member(name, start, num_bytes, "" if header.isdir() else refused)


def _header(block: bytes, at: int) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise ArchiveError(f"no header of a tar at byte {at} ({error})") from None


def _has_bytes(header: tarfile.TarInfo) -> bool:
    """Whether the next header lies behind the bytes of this member: links and devices may state a size for nothing."""
    return header.isreg() or header.type not in tarfile.SUPPORTED_TYPES


def _take(file: BinaryIO, header: tarfile.TarInfo, start: int, size: int, told: _Told) -> int:
    """Takes what an extended header says; returns where the next header is."""
    if not 0 <= header.size <= MOST_EXTENDED_BYTES:
        raise ArchiveError(f"an extended header of {header.size} bytes at byte {start}, longer than any name")
    content = _read(file, start, header.size, size)
    if header.type == _LONG_NAME:
        told.of_next["path"] = content.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    elif header.type == _PAX_OF_ALL:
        told.of_all |= _records(content, start)
    elif header.type in _PAX:
        told.of_next |= _records(content, start)
    return _after(start, header.size)


def _records(content: bytes, at: int) -> dict[str, str]:
    """The attributes of an extended header, "25 ctime=1084839148.1212\\n" each (POSIX, pax)."""
    found, position = {}, 0
    while position < len(content) and content[position]:
        length = _RECORD.match(content, position)
        stop = position + int(length[1]) if length else 0
        if length is None or not length.end() < stop <= len(content) or content[stop - 1 : stop] != b"\n":
            raise ArchiveError(f"damaged attributes at byte {at}")
        key, _, value = content[length.end() : stop - 1].partition(b"=")
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        position = stop
    return found


def _behind_map(file: BinaryIO, block: bytes, start: int, size: int) -> int:
    """Where the bytes of a member with holes begin: blocks that say where the holes are lie before them."""
    more = block[482]
    for _ in range(MOST_BLOCKS):
        if not more:
            break
        more = _read(file, start, BLOCK_BYTES, size)[504]
        start += BLOCK_BYTES
    return start


def _read(file: BinaryIO, start: int, num_bytes: int, size: int) -> bytes:
    if start >= size:
        raise ArchiveError("it is empty" if size == 0 else "it ends without the mark of its end: it was cut off")
    file.seek(start)
    content = file.read(num_bytes)
    if len(content) < num_bytes:
        raise ArchiveError(f"it ends within the header at byte {start}: it was cut off")
    return content


def _after(start: int, num_bytes: int) -> int:
    return start + -(-num_bytes // BLOCK_BYTES) * BLOCK_BYTES


def _refuse_compressed(block: bytes) -> None:
    for magic, kind in _COMPRESSED.items():
        if block.startswith(magic):
            raise ArchiveError(
                f"it is compressed ({kind}), and nothing in it could be found again; unpack it to a .tar"
            )
