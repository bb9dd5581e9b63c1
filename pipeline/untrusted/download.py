"""Downloads a file: what a broken connection brought is kept and continued, and what arrives is checked."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import FetchError

PARTIAL = ".partial"
"""Suffix of what has arrived so far; a later try goes on from there."""

TIMEOUT_S = 30.0
CHUNK_BYTES = 1 << 20

FRUITLESS_TRIES = 3
"""Connections in a row that bring nothing, after which it is given up."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Checksum:
    """What a file must be; no digits: whatever arrives."""

    kind: str = "sha256"
    digits: tuple[str, ...] = ()
    """Any of these, in full or their first ones."""

    def fits(self, path: Path) -> bool:
        """Whether the file has one of the checksums."""
        return not self.digits or any(checksum(path, self.kind).startswith(one.lower()) for one in self.digits)


def checksum(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file in hex digits; `kind` is sha256 or sha1."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def fetch(urls: Sequence[str], path: Path, check: Checksum, progress: Progress = lambda done, of: None) -> Path:
    """The file at `path`, from the first address that gives it; not fetched again when it is there and right.

    FetchError names each address with the reason why it gave nothing.
    """
    if path.exists() and check.fits(path):
        return path
    reasons = []
    for url in urls:
        try:
            return _fetch(url, path, check, progress)
        except FetchError as error:
            reasons.append(str(error))
    raise FetchError("; ".join(reasons))


def _fetch(url: str, path: Path, check: Checksum, progress: Progress) -> Path:
    import requests

    if not url.startswith(("http://", "https://")):
        raise FetchError(f"{url}: only http:// and https:// addresses are fetched")
    partial = path.with_name(path.name + PARTIAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _append_until_whole(url, partial, progress)
    except requests.RequestException as error:
        kept = f"; {_size(partial)} bytes are kept, run again to go on from there" if _size(partial) else ""
        raise FetchError(f"{url}: {_in_words(error)}{kept}") from None
    except OSError as error:
        raise FetchError(f"{path}: {_disk_in_words(error, path)}") from None
    if not check.fits(partial):
        found = checksum(partial, check.kind)
        partial.unlink()
        raise FetchError(f"{url}: arrived with {check.kind} {found}, expected {' or '.join(check.digits)}; not kept")
    os.replace(partial, path)  # noqa: PTH105
    return path


def _append_until_whole(url: str, partial: Path, progress: Progress) -> None:
    import requests

    fruitless = 0
    while True:
        before = _size(partial)
        try:
            _append(url, partial, progress)
            return
        except (requests.ConnectionError, requests.Timeout):
            fruitless = fruitless + 1 if _size(partial) == before else 0
            if fruitless >= FRUITLESS_TRIES or not _size(partial):
                raise


def _append(url: str, partial: Path, progress: Progress) -> None:
    """One connection; ConnectionError when it ends before the file does."""
    import requests
    from urllib3.exceptions import HTTPError

    have = _size(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it had arrived already; the checksum decides
        answer.raise_for_status()
        # A server that knows no ranges sends the whole file again.
        have = have if answer.status_code == requests.codes.partial_content else 0
        total = have + int(answer.headers.get("Content-Length") or 0)
        with partial.open("ab" if have else "wb") as out, _as_connection_error(HTTPError):
            # read1, for iter_content throws away the last piece that a broken connection brought.
            while chunk := answer.raw.read1(CHUNK_BYTES):
                out.write(chunk)
                have += len(chunk)
                progress(have, max(total, have))
        if have < total:
            raise requests.ConnectionError("the connection ended early")


@contextmanager
def _as_connection_error(kind: type[Exception]) -> Iterator[None]:
    import requests

    try:
        yield
    except kind as error:
        raise requests.ConnectionError(str(error)) from None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _in_words(error: Any) -> str:
    import requests

    if error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer in {TIMEOUT_S:g} s"
    if isinstance(error, requests.ConnectionError):
        return "no connection, or one that broke off"
    return f"{type(error).__name__}: {error}"


def _disk_in_words(error: OSError, path: Path) -> str:
    if error.errno == errno.ENOSPC:
        free = shutil.disk_usage(path.parent).free
        return f"no space left on the disk ({free / 1e6:.0f} MB free); free some and run again, it goes on from there"
    return f"cannot be written: {error.strerror or error}"
