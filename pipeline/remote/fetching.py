"""Facts of one object, and reads it in pieces: to a file, across broken connections, or as a file with positions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.errors import RemoteError
from pipeline.remote.positioned import Positioned

if TYPE_CHECKING:
    from obstore.store import ObjectStore


@dataclass(frozen=True)
class Found:
    """An object that is there."""

    key: str
    """Its name below the address, with `/` between folders."""
    size: int
    """Bytes."""
    etag: str
    """Changes with the content; empty where the server has none."""
    modified_s: float
    """By the server's clock, seconds since 1970."""


class Download:
    """The object `key` on its way into a file."""

    def __init__(self, key: str, file: BinaryIO) -> None:
        self._key, self._file = key, file
        self._etag: str | None = None

    def go_on(self, store: "ObjectStore") -> dict[str, Any]:
        """Receives what is not in the file yet; returns obstore's facts of the object.

        It begins anew where the object was replaced between two calls.
        """
        import obstore

        try:
            got = obstore.get(store, self._key, options=self._options())
        except obstore.exceptions.PreconditionError:
            self._file.seek(0)
            self._file.truncate()
            got = obstore.get(store, self._key)
        self._etag = got.meta["e_tag"]
        for piece in got.stream(min_chunk_size=1 << 20):
            self._file.write(piece)
        self._file.flush()
        if self._file.tell() != got.meta["size"]:
            raise RemoteError(f"{self._key}: {self._file.tell()} of {got.meta['size']} bytes came; run again")
        return dict(got.meta)

    def _options(self) -> Any:
        start = self._file.tell()
        if not start or self._etag is None:
            self._file.seek(0)
            self._file.truncate()
            return {}
        return {"range": {"offset": start}, "if_match": self._etag}


class RangeReader(Positioned):
    """An object as a raw file whose reads are requests of ranges; to be wrapped in a buffer."""

    def __init__(self, ask: Callable[..., Any], found: Found, address: str) -> None:
        super().__init__(found.size, f"{address}/{found.key}")
        self._ask, self._found = ask, found

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer with what lies at the position; returns the number of bytes, 0 at the end."""
        import obstore

        end = min(self._position + len(buffer), self._found.size)
        if end <= self._position:
            return 0
        options: Any = {"range": (self._position, end)}
        if self._found.etag:
            options["if_match"] = self._found.etag
        try:
            piece = self._ask(
                self._found.key,
                lambda store: bytes(obstore.get(store, self._found.key, options=options).bytes()),
            )
        except (FileExistsError, FileNotFoundError):
            raise RemoteError(f"{self.name}: was replaced or deleted while it was read; run again") from None
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
