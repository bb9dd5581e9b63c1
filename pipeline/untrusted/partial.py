"""A partial download: the bytes that have arrived, and what tells whether a server still has the same version."""

import email.utils
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.stores import atomic

PARTIAL = ".partial"
"""Suffix of a partial download, which a later attempt continues."""

CLOCK_S = 1
"""A file can change twice within the second of its Last-Modified, which is a validator only when it is older."""


@dataclass(frozen=True)
class Version:
    """Which version of which file the bytes are of."""

    url: str
    validator: str = ""
    """A strong ETag, or a date of Last-Modified, for If-Range; empty: the server gives none."""

    def is_of(self, headers: Mapping[str, str]) -> bool:
        """Whether an answer with these headers may be of this version; a header that is missing proves nothing."""
        told = headers.get("ETag" if self.validator.startswith('"') else "Last-Modified")
        return not self.validator or told is None or told == self.validator


class Partial:
    """The partial download of the file at `path`, with its version in a JSON file beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + PARTIAL)
        self._version_path = path.with_name(f"{path.name}{PARTIAL}.json")

    @property
    def size(self) -> int:
        """Number of bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def version(self) -> Version:
        """The version of the bytes; one without a URL where that is unknown."""
        try:
            return Version(**json.loads(self._version_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Version("")

    def range_headers(self, url: str, is_verified: bool) -> dict[str, str]:
        """Headers that ask `url` for the rest alone; empty where the bytes may be of another version.

        `is_verified`: the whole file has a known checksum, which would tell if two versions were joined.
        """
        version, size = self.version, self.size
        validator = version.validator if version.url == url else ""
        if not size or not (validator or is_verified):
            return {}
        return {"Range": f"bytes={size}-"} | ({"If-Range": validator} if validator else {})

    def begin(self, version: Version) -> None:
        """Drops all bytes; the next ones are of `version`."""
        self.path.write_bytes(b"")  # first: a kill must not leave old bytes under a new version
        self._version_path.write_text(json.dumps(asdict(version)), encoding="utf-8")

    def discard(self) -> None:
        """Deletes the bytes and their version."""
        self.path.unlink(missing_ok=True)
        self._version_path.unlink(missing_ok=True)

    def publish(self, path: Path) -> None:
        """Renames the bytes, which are whole, to `path`, durably."""
        atomic.publish(self.path, path)
        self._version_path.unlink(missing_ok=True)


def version_of(url: str, headers: Mapping[str, str]) -> Version:
    """The version that an answer from `url` with these headers carries."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if re.fullmatch(r'"[^"]*"', etag):  # W/"..." is weak: equal in meaning, not in bytes
        return Version(url, etag)
    return Version(url, modified if _is_settled(modified, headers.get("Date", "")) else "")


def _is_settled(modified: str, now: str) -> bool:
    try:
        age = email.utils.parsedate_to_datetime(now) - email.utils.parsedate_to_datetime(modified)
    except (ValueError, TypeError):
        return False
    return age.total_seconds() >= CLOCK_S
