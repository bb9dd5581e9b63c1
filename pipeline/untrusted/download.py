"""Downloads files over HTTP, resuming partial downloads and verifying checksums.

A partial download is continued where its rest is sure to be of the same version: by If-Range with a strong ETag or a
date, or because the checksum of the whole is known. Otherwise it starts anew.
"""

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from pipeline.errors import FetchError
from pipeline.remote_files.web import content_range
from pipeline.untrusted.partial import Partial, version_of

if TYPE_CHECKING:
    import requests

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
    partial = Partial(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_joined = bool(partial.range_headers(url, bool(check.digits)))
        _append_until_complete(url, partial, check, progress)
        if is_joined and not check.fits(partial.path):
            partial.discard()  # what was kept of an earlier run may have been of another version
            _append_until_complete(url, partial, check, progress)
        found = "" if check.fits(partial.path) else checksum(partial.path, check.kind)
        if found:
            partial.discard()
        else:
            partial.publish(path)
    except requests.RequestException as error:
        is_kept = bool(partial.range_headers(url, bool(check.digits)))
        kept = f"; {partial.size} bytes are kept, run again to go on from there" if is_kept else ""
        raise FetchError(f"{url}: {_network_message(error)}{kept}") from None
    except OSError as error:
        raise FetchError(f"{path}: {_disk_message(error, path)}") from None
    if found:
        raise FetchError(f"{url}: arrived with {check.kind} {found}, expected {' or '.join(check.digits)}; not kept")
    return path


def _append_until_complete(url: str, partial: Partial, check: Checksum, progress: Progress) -> None:
    """Reconnects after each broken connection, until the file is complete or nothing more arrives."""
    import requests

    num_empty, furthest = 0, partial.size
    while True:
        try:
            _append(url, partial, check, progress)
            return
        except (requests.ConnectionError, requests.Timeout):
            # Where nothing tells of which version the bytes are, each connection starts anew: more bytes than any
            # connection before has brought are progress, others are not.
            num_empty = num_empty + 1 if partial.size <= furthest else 0
            furthest = max(furthest, partial.size)
            if num_empty >= MAX_EMPTY_ATTEMPTS or not furthest:
                raise


def _append(url: str, partial: Partial, check: Checksum, progress: Progress) -> None:
    """Appends what one connection delivers; requests.ConnectionError when it ends before the file is complete."""
    import requests

    wanted = partial.range_headers(url, bool(check.digits))
    headers = {"Accept-Encoding": "identity"} | wanted
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        if wanted and not _continues(response, url, partial):
            response.close()
            partial.discard()
            return _append(url, partial, check, progress)
        if response.status_code == requests.codes.requested_range_not_satisfiable and wanted:
            return None  # all of it had arrived
        response.raise_for_status()
        first, length = content_range(response.headers)
        if response.status_code == requests.codes.partial_content and not wanted:
            raise requests.RequestException(f"a part was sent (from {first}) where the whole file was asked for")
        if response.status_code != requests.codes.partial_content:
            partial.begin(version_of(url, response.headers))
        length = length or partial.size + int(response.headers.get("Content-Length") or 0)
        return _write(response, partial, length, progress)


def _continues(response: "requests.Response", url: str, partial: Partial) -> bool:
    """Whether the answer to a request for the rest is the rest of the same version, all of the file, or an error."""
    import requests

    first, length = content_range(response.headers)
    is_same = partial.version.url != url or partial.version.is_of(response.headers)
    if response.status_code == requests.codes.partial_content:
        return is_same and first == partial.size
    if response.status_code == requests.codes.requested_range_not_satisfiable:
        return is_same and length == partial.size
    return True  # the whole file, from a server without ranges or with another version; or an error


def _write(response: "requests.Response", partial: Partial, total_bytes: int, progress: Progress) -> None:
    import requests
    from urllib3.exceptions import HTTPError

    num_bytes = partial.size
    with partial.path.open("ab") as out, _as_connection_error(HTTPError):
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
