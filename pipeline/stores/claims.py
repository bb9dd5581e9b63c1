"""Claims: small files by which equal commands on many hosts share work, each created by one host alone.

What is claimed must be harmless when it is done twice: an owner may wake up after its claim was taken over
(`claimant.py`).
"""

import contextlib
import errno
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import StoreError
from pipeline.remote.mirror import mirror_of
from pipeline.stores import atomic
from pipeline.stores.object_claims import ObjectClaims

FOLDER = "claims"
"""In the store."""


class Claims(Protocol):
    """Where claims are kept."""

    def claim(self, name: str, content: str) -> bool:
        """Creates the claim, unless it is there."""

    def renew(self, name: str) -> None:
        """Makes the claim as old as a new one; without effect where it is gone."""

    def read_claim(self, name: str) -> tuple[str, float] | None:
        """(content, seconds since it was created or renewed, by a clock that may be off), or None where it is gone."""

    def release(self, name: str) -> None:
        """Deletes the claim, if it is there."""

    def names(self, folder: str) -> list[str]:
        """The names of all claims in a folder, which each begin with it, sorted."""


class LocalClaims:
    """Claims as files in a folder that all hosts see."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def claim(self, name: str, content: str) -> bool:
        """As of Claims. StoreError where the folder cannot be written."""
        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from None
        with contextlib.suppress(OSError):  # an empty claim holds as well as one with a content
            os.write(descriptor, content.encode())
        os.close(descriptor)
        return True

    def renew(self, name: str) -> None:
        """As of Claims."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._folder / name)

    def read_claim(self, name: str) -> tuple[str, float] | None:
        """As of Claims."""
        try:
            # Opened, since network file systems look at the server then, and not when a file is asked for its dates.
            with (self._folder / name).open(encoding="utf-8", errors="replace") as file:
                return file.read(), time.time() - os.fstat(file.fileno()).st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ESTALE:  # so NFS tells of a file that another host has just deleted
                return None
            raise StoreError(f"{self._folder / name}: cannot be read: {error.strerror or error}") from None

    def release(self, name: str) -> None:
        """As of Claims."""
        with contextlib.suppress(OSError):
            (self._folder / name).unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """As of Claims."""
        return sorted(f"{folder}/{path.name}" for path in (self._folder / folder).glob("*") if path.is_file())


def claims_of(store: Path) -> Claims:
    """The claims on the results of a store."""
    found = mirror_of(store / FOLDER)
    return LocalClaims(store / FOLDER) if found is None else ObjectClaims(found[0].objects, found[1])


def chunk_claims(dataset: str) -> str:
    """The folder of the claims on the chunks of a dataset."""
    return f"{dataset}/chunks"


def abandoned(store: Path) -> list[Path]:
    """The files of claims that nobody has renewed for long, sorted."""
    until_s = time.time() - atomic.ABANDONED_S
    return sorted(path for path in (store / FOLDER).rglob("*") if path.is_file() and path.stat().st_mtime < until_s)


def forget(claims: Claims, folder: str) -> int:
    """Deletes all claims in a folder, so that they can be taken again, whoever had them; returns their number."""
    names = claims.names(folder)
    for name in names:
        claims.release(name)
    return len(names)


@dataclass(frozen=True)
class Taken:
    """A claim that a process holds, or held."""

    process: str
    """See `atomic.this_process`; empty: not known."""
    host: str
    tries: int
    """How many owners there were, with this one; each before it ended without releasing the claim."""

    @classmethod
    def read(cls, content: str) -> "Taken":
        """That of the content of a claim, which may be cut off or of an unknown kind."""
        try:
            body = json.loads(content)
            return cls(str(body["process"]), str(body["host"]), int(body["tries"]))
        except (ValueError, KeyError, TypeError):
            return cls("", "an unknown host", 1)

    @property
    def text(self) -> str:
        """The content of the claim."""
        return json.dumps({"process": self.process, "host": self.host, "tries": self.tries})
