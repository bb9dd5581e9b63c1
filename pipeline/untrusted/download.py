"""Downloads files over HTTP, resuming partial downloads and verifying checksums."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from pipeline.errors import FetchError

if TYPE_CHECKING:
    import requests

PARTIAL = ".partial"
"""Suffix of a partial download, which a later attempt continues."""

TIMEOUT_S = 30.0
CHUNK_BYTES = 1 << 20

MAX_EMPTY_ATTEMPTS = 3
"""Consecutive connections without any data after which a download fails."""

Progress = Callable[[int, int], None]
"""Callback with the number of bytes so far and in total."""


@dataclass(frozen=True)
class Checksum:
    """The accepted checksums of a file; without digits any file is accepted."""

    kind: str = "sha256"
    digits: tuple[str, ...] = ()
    """Hex digits of the accepted checksums, complete or only the first ones."""

    def fits(self, path: Path) -> bool:
        """Whether the file has one of the checksums."""
        return not self.digits or any(checksum(path, self.kind).startswith(digits.lower()) for digits in self.digits)


def checksum(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file in hex digits; `kind` is sha256 or sha1."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def file_name(url: str) -> str:
    """The last part of a URL's path, without its query."""
    return PurePosixPath(urlparse(url).path).name


def fetch(urls: Sequence[str], path: Path, check: Checksum, progress: Progress = lambda done, of: None) -> Path:
    """Downloads from the first URL that works, and returns `path`; does nothing when the file is there and verified.

    FetchError lists each URL with the reason why it failed.
    """
    if path.is_file() and check.fits(path):
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
        _append_until_complete(url, partial, progress)
    except requests.RequestException as error:
        kept = f"; {_size(partial)} bytes are kept, run again to go on from there" if _size(partial) else ""
        raise FetchError(f"{url}: {_network_message(error)}{kept}") from None
    except OSError as error:
        raise FetchError(f"{path}: {_disk_message(error, path)}") from None
    if not check.fits(partial):
        found = checksum(partial, check.kind)
        partial.unlink()
        raise FetchError(f"{url}: arrived with {check.kind} {found}, expected {' or '.join(check.digits)}; not kept")
    os.replace(partial, path)  # noqa: PTH105
    return path


def _append_until_complete(url: str, partial: Path, progress: Progress) -> None:
    """Reconnects after each broken connection, until the file is complete or nothing more arrives."""
    import requests

    num_empty = 0
    while True:
        before = _size(partial)
        try:
            _append(url, partial, progress)
            return
        except (requests.ConnectionError, requests.Timeout):
            num_empty = num_empty + 1 if _size(partial) == before else 0
            if num_empty >= MAX_EMPTY_ATTEMPTS or not _size(partial):
                raise


def _append(url: str, partial: Path, progress: Progress) -> None:
    """Appends what one connection delivers; requests.ConnectionError when it ends before the file is complete."""
    import requests
    from urllib3.exceptions import HTTPError

    num_bytes = _size(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={num_bytes}-"} if num_bytes else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # the partial file is complete already; the checksum decides
        response.raise_for_status()
        # A server without support for ranges sends the whole file again.
        num_bytes = num_bytes if response.status_code == requests.codes.partial_content else 0
        total_bytes = num_bytes + int(response.headers.get("Content-Length") or 0)
        with partial.open("ab" if num_bytes else "wb") as out, _as_connection_error(HTTPError):
            # read1, because iter_content discards the last incomplete chunk of a broken connection.
            while chunk := response.raw.read1(CHUNK_BYTES):
                out.write(chunk)
                num_bytes += len(chunk)
                progress(num_bytes, max(total_bytes, num_bytes))
        if num_bytes < total_bytes:
            raise requests.ConnectionError("the connection ended early")


@contextmanager
def _as_connection_error(kind: type[Exception]) -> Iterator[None]:
    """Context that turns urllib3's errors of a raw response into those of requests."""
    import requests

    try:
        yield
    except kind as error:
        raise requests.ConnectionError(str(error)) from None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _network_message(error: "requests.RequestException") -> str:
    import requests

    if error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer in {TIMEOUT_S:g} s"
    if isinstance(error, requests.ConnectionError):
        return "no connection, or one that broke off"
    return f"{type(error).__name__}: {error}"


def _disk_message(error: OSError, path: Path) -> str:
    if error.errno == errno.ENOSPC:
        free = shutil.disk_usage(path.parent).free
        return f"no space left on the disk ({free / 1e6:.0f} MB free); free some and run again, it goes on from there"
    return f"cannot be written: {error.strerror or error}"
