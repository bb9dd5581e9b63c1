"""Objects below one address of object storage: listed, read, written, and created where there is none.

Addresses are `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, and `https://host/folder`, which can
only be read. Endpoint, region and credentials come from the environment, under the names that each provider's own tools
use. A request that nobody answers is asked again for PATIENCE_S, which a restart of the server fits into.
"""

import contextlib
import functools
import io
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

from pipeline.errors import ConfigError, OutageError, RemoteError
from pipeline.remote.answers import judge
from pipeline.remote.client import client
from pipeline.remote.fetching import Download, Found, RangeReader

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["Found", "Objects", "is_remote"]

SCHEMES = ("s3", "gs", "az", "http", "https")

PATIENCE_S = 120.0
"""A server that does not answer is asked again for so long."""
TELL_S = 3.0
"""After so long without an answer a line says that it is waited for."""
BUFFER_BYTES = 1 << 20
"""`Objects.open` asks for so many bytes at once."""
CHUNK_BYTES = 8 << 20

_TEMPORARY = ".tmp-"
"""As `pipeline.stores.atomic.TEMPORARY`, which removes what a kill leaves."""

_gave_up_s: dict[str, float] = {}
"""Address -> when it was last waited for in vain."""

log = logging.getLogger(__name__)

T = TypeVar("T")


def is_remote(address: str) -> bool:
    """Whether this is an address of object storage or of a web server, and not a local path."""
    return address.partition("://")[0].lower() in SCHEMES and "://" in address


@dataclass(frozen=True)
class Objects:
    """The objects below one address. It can be pickled; each process opens its own connections.

    ConfigError for an address that is none. All methods raise RemoteError, of one line and without secrets, where the
    server does not answer in time or refuses. Keys are relative to the address.
    """

    address: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if not is_remote(self.address) or not parts.netloc:
            raise ConfigError(
                f"{self.address}: not an address; write scheme://bucket/prefix, with {', '.join(SCHEMES)}"
            )
        if "@" in parts.netloc or parts.query or parts.fragment:
            where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
            raise ConfigError(f"{where}: has a password or a query; credentials belong into the environment")
        object.__setattr__(self, "address", self.address.rstrip("/"))

    def found(self, prefix: str = "") -> Iterator[Found]:
        """All objects in the folder `prefix` and the folders below it, in the server's order; none is no error."""
        import obstore

        seen: set[str] = set()
        pages: list[Any] = []

        def next_page(store: "ObjectStore") -> Any:
            if not pages:
                pages.append(obstore.list(store, prefix or None))
            try:
                return next(pages[0], None)
            except Exception:
                pages.clear()  # from the start, since not every server lists in an order that one could go on from
                raise

        while page := self._ask(prefix, next_page):
            fresh = [_found(entry) for entry in page if entry["path"] not in seen]
            seen.update(one.key for one in fresh)
            yield from fresh

    def level(self, prefix: str = "") -> tuple[list[str], list[Found]]:
        """What lies right inside the folder `prefix`: the sorted names of folders, and objects."""
        import obstore

        listed = self._ask(prefix, lambda store: obstore.list_with_delimiter(store, prefix or None))
        folders = sorted(folder.rstrip("/").rpartition("/")[2] for folder in listed["common_prefixes"])
        return folders, [_found(entry) for entry in listed["objects"]]

    def folders(self, prefix: str = "") -> list[str]:
        """As `level`, of which it is the first half."""
        return self.level(prefix)[0]

    def head(self, key: str) -> Found | None:
        """The facts of an object, or None where there is none."""
        import obstore

        try:
            return self._ask(key, lambda store: _found(obstore.head(store, key)))
        except FileNotFoundError:
            return None

    def read(self, key: str) -> bytes:
        """The content of an object; FileNotFoundError where there is none."""
        return self.look(key)[1]

    def look(self, key: str) -> tuple[Found, bytes]:
        """The facts and the content of an object, of one moment; FileNotFoundError where there is none."""
        import obstore

        def look(store: "ObjectStore") -> tuple[Found, bytes]:
            got = obstore.get(store, key)
            return _found(got.meta), bytes(got.bytes())

        return self._ask(key, look)

    def fetch(self, key: str, path: Path) -> Found:
        """Writes the object to a local file, which appears whole; FileNotFoundError where there is none.

        What was received before a connection broke is kept and gone on from. OSError where the disk is full.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex[:8]}-{path.name}")
        try:
            with temporary.open("wb") as file:
                download = Download(key, file)
                found = _found(self._ask(key, download.go_on))
            os.replace(temporary, path)  # noqa: PTH105 - replaces on every system
        finally:
            temporary.unlink(missing_ok=True)
        return found

    def put(self, key: str, source: bytes | Path) -> str:
        """Writes an object, in place of an older one; readers see the old or the new one. Returns its etag."""
        import obstore

        put = self._ask(key, lambda store: obstore.put(store, key, source, chunk_size=CHUNK_BYTES, max_concurrency=4))
        return put["e_tag"] or ""

    def create(self, key: str, content: bytes) -> bool:
        """Writes an object where there is none; False where there is one, with other content, already.

        Where its content is the same, an answer was lost on the way and it was written by this very call: contents of
        several writers must differ, e.g. name the writer.
        """
        import obstore

        try:
            self._ask(key, lambda store: obstore.put(store, key, content, mode="create", use_multipart=False))
        except FileExistsError:
            return self._is(key, content)
        return True

    def exchange(self, key: str, content: bytes, etag: str) -> bool:
        """Writes an object in place of the one with this etag; False where it is another one, or gone, by now."""
        import obstore

        def exchange(store: "ObjectStore") -> None:
            there = obstore.head(store, key)
            if there["e_tag"] != etag:
                raise FileExistsError(key)
            versions = {"e_tag": etag, "version": there["version"]}  # each provider looks at one of them
            seen: Any = {name: value for name, value in versions.items() if value}
            obstore.put(store, key, content, mode=seen, use_multipart=False)

        try:
            self._ask(key, exchange)
        except (FileExistsError, FileNotFoundError):
            return self._is(key, content)
        return True

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes objects; one that is not there is no error."""
        listed = list(keys)
        for start in range(0, len(listed), 1000):
            some = listed[start : start + 1000]
            try:
                self._ask(some[0], functools.partial(_delete, some))
            except FileNotFoundError:  # some providers say so of one, and leave the others
                for key in some:
                    with contextlib.suppress(FileNotFoundError):
                        self._ask(key, functools.partial(_delete, [key]))

    def open(self, key: str, buffer_bytes: int = BUFFER_BYTES) -> BinaryIO:
        """The object as a seekable file, which is read by ranges; FileNotFoundError where there is none.

        RemoteError at a read where it was replaced since.
        """
        found = self.head(key)
        if found is None:
            raise FileNotFoundError(f"{self.address}/{key}: not there")
        return io.BufferedReader(self.reader(found), buffer_bytes)

    def reader(self, found: Found) -> io.RawIOBase:
        """As `open`, of an object of which these facts are known, and without a buffer: each read is one request."""
        return RangeReader(self._ask, found, self.address)

    def _is(self, key: str, content: bytes) -> bool:
        try:
            return self.read(key) == content
        except FileNotFoundError:
            return False

    def _ask(self, key: str, request: Callable[["ObjectStore"], T]) -> T:
        """The answer to a request, which is repeated while nobody answers."""
        began_s, wait_s, told = time.monotonic(), 0.25, False
        while True:
            try:
                return request(client(self.address))
            except Exception as error:
                answer = judge(error, self.address, key)
            waited_s = time.monotonic() - began_s
            # Who has waited in vain does not wait once more for each of what is left to be asked.
            gave_up = began_s - _gave_up_s.get(self.address, -PATIENCE_S) < PATIENCE_S
            if not answer.is_passing or waited_s > PATIENCE_S or gave_up:
                _gave_up_s.update({self.address: time.monotonic()} if answer.is_passing and not gave_up else {})
                kind = OutageError if answer.is_passing else RemoteError
                raise kind(f"{f'{self.address}/{key}'.rstrip('/')}: {answer.why}") from None
            if waited_s > TELL_S and not told:
                log.warning("%s: no answer; waiting for up to %.0f seconds", self.address, PATIENCE_S)
                told = True
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, 5.0)


def _found(entry: Any) -> Found:
    return Found(entry["path"], entry["size"], entry["e_tag"] or "", entry["last_modified"].timestamp())


def _delete(keys: list[str], store: "ObjectStore") -> None:
    import obstore

    obstore.delete(store, keys)
