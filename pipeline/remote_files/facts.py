"""What is known of a remote file without reading it, and what tells two versions of it apart."""

import hashlib
import re
from dataclasses import dataclass, replace

from pipeline.remote_files.addresses import stable

CHANGED = "the file is another one than when it was listed; the next run takes it up"

_OF_CONTENT = re.compile(r'"?[0-9a-f]{32}(-[0-9]+)?"?')
"""ETags of S3: the MD5 of the bytes, or of the MD5s of the parts of an upload. Those of web servers may look the same
and be made of date and size."""


@dataclass(frozen=True)
class Inside:
    """Where in a tar or a table the bytes of a file lie."""

    start: int
    """In a tar the first byte, in a table the row in its group."""
    of_size: int
    """Bytes of the whole tar or table; -1: not stated."""
    group: int = -1
    """Of rows, in a table; -1 in a tar."""
    column: str = ""
    """Of the bytes, in a table; empty for the texts of the row."""
    of_sha256: str = ""
    """The SHA-256 of the whole tar or table that a list promises; empty: none."""


@dataclass(frozen=True)
class Facts:
    """Size and version of a remote file, as the server states them; or of a file inside of another one."""

    address: str
    """Of a file inside of another one, that one's: an address or an absolute path."""
    size: int = -1
    """Bytes; -1: not stated."""
    etag: str = ""
    """With its quotes, as in HTTP; empty: none."""
    modified: str = ""
    """Last-Modified, or the date of a listing; empty: none."""
    sha256: str = ""
    """The SHA-256 of its bytes that a list promises; empty: none."""
    problem: str = ""
    """Why it cannot be read; empty when it can."""
    is_local: bool = False
    """Whether it is a local file that a list names; `address` is then its path."""
    inside: Inside | None = None
    """Of a file inside of another one, whose version `etag` and `modified` then tell; `size` is its own."""
    is_hashed: bool = False
    """Whether a hash of its bytes tells it from others, as of files here, and not what its server states."""

    @property
    def is_versioned(self) -> bool:
        """Whether two versions of the file can be told apart without reading it."""
        return bool(self.etag or self.modified)

    @property
    def strong_etag(self) -> str:
        """The ETag if equal ones mean equal bytes, else empty."""
        return "" if self.etag.startswith("W/") else self.etag

    @property
    def stamp(self) -> tuple[int, int]:
        """(size, number of the version): in place of size and date of a local file. (-1, 0) where it cannot be read."""
        if self.problem:
            return -1, 0
        more = [*(["by its bytes"] if self.is_hashed else []), *([str(self.inside.of_size)] if self.inside else [])]
        return max(self.size, 0), int(_digest(self._version, self.sha256, *more)[:15], 16)

    @property
    def identity(self) -> str:
        """64 hex digits in place of the SHA-256 of the bytes, which would take reading them; empty where they are read.

        The promised SHA-256 itself where there is one. An ETag that is none of the content's is one of its address.
        What lies inside of another file is told by its own bytes: the same video has one key in each tar.
        """
        return self.sha256 if self.is_hashed or self.inside else self._identity

    @property
    def entry(self) -> str:
        """What tells the bytes of this version from all others that are kept of remote files."""
        if self.inside:
            one = self.inside
            return _digest("inside", self.container.entry, f"{one.group} {one.start} {self.size} {one.column}")
        return self._identity or f"{stable(self.address)} {self.size}"

    @property
    def container(self) -> "Facts":
        """The facts of the tar or table that it lies in."""
        assert self.inside, "asked of what lies inside of another file"
        return Facts(self.address, self.inside.of_size, self.etag, self.modified, self.inside.of_sha256)

    @property
    def _identity(self) -> str:
        if self.sha256 or not self.is_versioned:
            return self.sha256
        is_of_content = self.address.startswith("s3://") and _OF_CONTENT.fullmatch(self.etag)
        where = "" if is_of_content else stable(self.address)
        return _digest("remote", self._version, str(self.size), where)

    def differs(self, other: "Facts") -> bool:
        """Whether `other`, of a later answer, is of another version; what it does not state is the same."""
        if self.size >= 0 and other.size >= 0 and self.size != other.size:
            return True
        if self.etag and other.etag:
            return self.etag.strip('"') != other.etag.strip('"')
        return bool(self.modified and other.modified and self.modified != other.modified)

    def broken(self, why: str) -> "Facts":
        """The same of a file that cannot be read."""
        return replace(self, problem=why)

    @property
    def _version(self) -> str:
        """A weak ETag alone proves little: it may stay where bytes change."""
        return self.strong_etag.strip('"') or f"{self.etag} {self.modified}".strip()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
