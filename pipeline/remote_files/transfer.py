"""Transfers of remote files: what is known of one, a range of its bytes, or all of them.

Whatever the server answers is compared with what was listed: another version, another size or another range than was
asked for is an error, never data.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from pipeline.errors import RemoteError
from pipeline.remote.fetching import Found
from pipeline.remote.objects import Objects
from pipeline.remote_files.addresses import is_web, shown
from pipeline.remote_files.facts import CHANGED, Facts
from pipeline.remote_files.web import BusyError, PassingError, content_range, request, told

TRIES = 3
"""Tries one after another that bring nothing, after which a transfer from a web server fails."""
WAIT_S = 0.5
"""Before the second try; then twice as long each time, up to LONGEST_WAIT_S."""
LONGEST_WAIT_S = 8.0
PATIENCE_S = 60.0
"""A server that does not answer, or is too busy, is asked again for so long before the run ends."""
LOOK_PATIENCE_S = 2.0
"""The same for a look at a file: one host of many in a list may be gone for good."""
CHUNK_BYTES = 1 << 18

T = TypeVar("T")


class NoRangesError(RemoteError):
    """A server that sends no parts of files: it must be asked for all of one."""


class ChangedError(RemoteError):
    """A file of which the server has another version than was listed."""


def look(address: str) -> Facts:
    """What the server states of a file: one request of its first byte, as some servers refuse HEAD.

    RemoteError where there is none, or it may not be read.
    """
    if not is_web(address):
        found = _objects(address).head(_key(address))
        if found is None:
            raise RemoteError(f"{shown(address)}: not there")
        return of_object(address, found)
    return _tried(lambda: _look(address), patience_s=LOOK_PATIENCE_S)


def of_object(address: str, found: Found) -> Facts:
    """The facts of an object that was listed."""
    return Facts(address, found.size, found.etag, str(found.modified_s))


def read_range(facts: Facts, start: int, stop: int) -> bytes:
    """The bytes from `start` up to `stop`, which lies within the file; ChangedError, NoRangesError or RemoteError."""
    if not is_web(facts.address):
        reader = _objects(facts.address).reader(Found(_key(facts.address), facts.size, facts.strong_etag, 0.0))
        reader.seek(start)
        return reader.read(stop - start) or b""
    received = bytearray()

    def go_on() -> None:
        with _body(facts, start + len(received), stop) as pieces:
            for piece in pieces:
                received.extend(piece[: stop - start - len(received)])
                if len(received) == stop - start:
                    return  # a server without ranges sends all of the file
        if len(received) < stop - start:
            raise PassingError(f"{shown(facts.address)}: the connection ended early")

    _tried(go_on, lambda: len(received))
    return bytes(received)


def fetch(facts: Facts, path: Path, most_bytes: int) -> None:
    """Writes the whole file to `path`; RemoteError where it is none of the listed version, or larger than `most_bytes`.

    A connection that breaks off is gone on from. The size and the SHA-256 that the list promises are checked.
    """
    if is_web(facts.address):
        with path.open("wb") as file:
            _tried(lambda: _append(facts, file, most_bytes), file.tell)
    else:
        try:
            found = _objects(facts.address).fetch(_key(facts.address), path)
        except FileNotFoundError:
            raise ChangedError(f"{shown(facts.address)}: {CHANGED}") from None
        if facts.differs(of_object(facts.address, found)):
            raise ChangedError(f"{shown(facts.address)}: {CHANGED}")
    if facts.sha256:
        with path.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        if digest != facts.sha256:
            raise RemoteError(f"{shown(facts.address)}: has the sha256 {digest}, and not the one in the list")


def _look(address: str) -> Facts:
    with request(address, {"Range": "bytes=0-0"}) as response:
        _, length = content_range(response.headers)
        if response.status_code == 416:
            length = length or 0
        elif response.status_code == 200 and not response.headers.get("Transfer-Encoding"):
            length = int(response.headers.get("Content-Length") or -1)
        headers = response.headers
    return Facts(address, -1 if length is None else length, headers.get("ETag", ""), headers.get("Last-Modified", ""))


@contextmanager
def _body(facts: Facts, start: int, stop: int | None) -> Iterator[Iterator[bytes]]:
    """Context with what a web server sends of a file from `start` on; the answer is checked first."""
    where = shown(facts.address)
    headers = {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"} if start or stop is not None else {}
    with request(facts.address, headers) as response:
        first, length = content_range(response.headers)
        is_part = response.status_code == 206
        if not is_part:
            first, length = 0, int(response.headers.get("Content-Length") or -1)
        sent = Facts(
            facts.address,
            -1 if length is None else length,
            response.headers.get("ETag", ""),
            response.headers.get("Last-Modified", ""),
        )
        if response.status_code in {412, 416} or facts.differs(sent):
            raise ChangedError(f"{where}: {CHANGED}")
        if is_part and first != start:
            raise RemoteError(f"{where}: the server sends bytes from {first} where those from {start} were asked for")
        if not is_part and start:
            raise NoRangesError(f"{where}: the server sends no parts of files")
        yield _pieces(response, where)


def _pieces(response: object, where: str) -> Iterator[bytes]:
    with told(where):
        while piece := response.raw.read1(CHUNK_BYTES):  # type: ignore[attr-defined]
            yield piece


def _append(facts: Facts, file: BinaryIO, most_bytes: int) -> None:
    """Appends what is not in the file yet; from the beginning where nothing tells two versions apart."""
    where = shown(facts.address)
    if not facts.is_versioned:
        file.seek(0)
        file.truncate()
    try:
        with _body(facts, file.tell(), None) as pieces:
            for piece in pieces:
                file.write(piece)
                if file.tell() > most_bytes:
                    raise RemoteError(
                        f"{where}: larger than {most_bytes / 1e6:.0f} MB, which is all that the cache takes"
                    )
    except NoRangesError:
        file.seek(0)
        file.truncate()
        raise PassingError(f"{where}: the connection broke off, and the server sends no parts of files") from None
    if facts.size >= 0 and file.tell() < facts.size:
        raise PassingError(f"{where}: the connection ended early: {file.tell()} of {facts.size} bytes came")
    if facts.size >= 0 and file.tell() > facts.size:
        raise ChangedError(f"{where}: {CHANGED}")


def _tried(attempt: Callable[[], T], progress: Callable[[], int] = lambda: 0, patience_s: float | None = None) -> T:
    """What `attempt` returns; it is called again after a passing failure, until TRIES in a row bring nothing more.

    Where nobody answers, or the server is too busy, it is called for `patience_s`, by default PATIENCE_S.
    """
    in_vain, furthest = 0, progress()
    until_s = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
    while True:
        try:
            return attempt()
        except PassingError as error:
            now = progress()
            in_vain = 0 if now > furthest else in_vain + 1
            furthest = max(now, furthest)
            if time.monotonic() > until_s if isinstance(error, BusyError) else in_vain >= TRIES:
                raise
            time.sleep(min(WAIT_S * 2**in_vain, LONGEST_WAIT_S))


def _objects(address: str) -> Objects:
    scheme, _, rest = address.partition("://")
    return Objects(f"{scheme}://{rest.partition('/')[0]}")


def _key(address: str) -> str:
    return address.partition("://")[2].partition("/")[2]
