"""Claims: small files by which equal commands on many hosts share work, each created by one host alone.

A claim is renewed while its owner works. One that is not renewed for long has a dead owner, and is taken over. The
clocks of hosts differ, so what counts is whether a claim changes while this host looks on, by its own steady clock.
What is claimed must be harmless when it is done twice: an owner may wake up after its claim was taken over.
"""

import contextlib
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import PipelineError, StoreError
from pipeline.remote.mirror import mirror_of
from pipeline.stores import atomic
from pipeline.stores.object_claims import ObjectClaims

FOLDER = "claims"
"""In the store."""

RENEWALS = 6
"""In the time after which a claim expires."""

POLL_S = 1.0
"""Between two looks at what others have claimed, or less where claims expire soon."""


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


def abandoned(store: Path) -> list[Path]:
    """The files of claims that nobody has renewed for long, sorted."""
    until_s = time.time() - atomic.ABANDONED_S
    return sorted(path for path in (store / FOLDER).rglob("*") if path.is_file() and path.stat().st_mtime < until_s)


def forget_used_up(claims: Claims, folder: str, tries: int) -> int:
    """Deletes the claims in `folder` that had so many owners, so that they can be taken again; returns their number."""
    names = [name for name in claims.names(folder) if (found := claims.read_claim(name)) and _tries(found[0]) >= tries]
    for name in names:
        claims.release(name)
    return len(names)


def _tries(content: str) -> int:
    return Taken.read(content).tries


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


@dataclass(frozen=True)
class Watched:
    """What a process knows of a claim of another one."""

    content: str
    renewed_s: float
    """When it was renewed, by the monotonic clock but for an unknown amount, which stays the same."""
    since_s: float
    """When this process first saw it so, by the monotonic clock."""
    is_alive: bool = False
    """Whether it was renewed while this process looked on."""

    @property
    def quiet_s(self) -> float:
        """For how long it has not changed."""
        return time.monotonic() - self.since_s


class Claimant:
    """Takes claims for this process, and renews in a thread those that it holds."""

    def __init__(self, claims: Claims, expiry_s: float) -> None:
        self.claims = claims
        self.expiry_s = expiry_s
        self.poll_s = min(POLL_S, expiry_s / RENEWALS)
        self._held: set[str] = set()
        self._watched: dict[str, Watched] = {}
        self._is_over = threading.Event()
        threading.Thread(target=self._beat, name="claims", daemon=True).start()

    def take(self, name: str, most_tries: int | None = None) -> Taken | None:
        """This process's claim where it holds it from now on; None while another's is valid.

        A claim that was not renewed for `expiry_s` is taken over. If it had `most_tries` owners, it is not, and what is
        returned is that of the last of them.
        """
        if self.claims.claim(name, self._own(1).text):
            return self._hold(name, 1)
        found = self.claims.read_claim(name)
        if found is None or not self.is_expired(name, *found):
            return None
        other = Taken.read(found[0])
        if most_tries is not None and other.tries >= most_tries:
            return other
        again = self.claims.read_claim(name)
        if again is None or again[0] != found[0]:
            return None  # another host was faster
        self.claims.release(name)
        if not self.claims.claim(name, self._own(other.tries + 1).text):
            return None
        return self._hold(name, other.tries + 1)

    def is_own(self, taken: Taken | None) -> bool:
        """Whether this process holds the claim."""
        return taken is not None and taken.process == atomic.this_process()

    def is_expired(self, name: str, content: str, age_s: float) -> bool:
        """Whether a claim, just read, has a dead owner: it did not change while this process looked on for long.

        So the first look at a claim never finds it expired, unless its owner has ended on this very machine.
        """
        has_ended = atomic.has_ended(Taken.read(content).process)
        return has_ended or self.watch(name, content, age_s).quiet_s >= self.expiry_s

    def watch(self, name: str, content: str, age_s: float) -> "Watched":
        """What is known of a claim, just read, since this process has first looked at it."""
        now_s = time.monotonic()
        renewed_s = now_s - age_s  # off by an unknown amount, which stays the same
        before = self._watched.get(name)
        if before is None or before.content != content:
            watched = Watched(content, renewed_s, now_s)
        elif renewed_s > before.renewed_s + self.expiry_s / RENEWALS / 2:
            watched = Watched(content, renewed_s, now_s, is_alive=True)
        else:
            watched = before
        self._watched[name] = watched
        return watched

    def hold(self, name: str) -> None:
        """Renews this claim from now on, whoever has created it."""
        self._held.add(name)

    def release(self, name: str) -> None:
        """Deletes a claim that this process holds; one that was taken over is left to its new owner."""
        self._held.discard(name)
        with contextlib.suppress(OSError, PipelineError):  # a claim that stays expires
            found = self.claims.read_claim(name)
            if found is not None and self.is_own(Taken.read(found[0])):
                self.claims.release(name)

    def leave(self, name: str) -> None:
        """Does not renew the claim any more: others take it over when it has expired, and count one more try."""
        self._held.discard(name)

    def close(self) -> None:
        """Renews nothing any more."""
        self._is_over.set()

    def _own(self, tries: int) -> Taken:
        return Taken(atomic.this_process(), platform.node(), tries)

    def _hold(self, name: str, tries: int) -> Taken:
        self.hold(name)
        self._watched.pop(name, None)
        return self._own(tries)

    def _beat(self) -> None:
        while not self._is_over.wait(self.expiry_s / RENEWALS):
            for name in list(self._held):
                with contextlib.suppress(OSError, PipelineError):  # the next beat tries again
                    self.claims.renew(name)


@contextmanager
def exclusive(claims: Claims, name: str, expiry_s: float, waits: Callable[[], None]) -> Iterator[None]:
    """Context in which no other host is in this context of the same name, as `atomic.exclusive` has it for processes.

    `waits` is called once where another host is in it. A host that dies leaves it after `expiry_s`.
    """
    claimant, has_told = Claimant(claims, expiry_s), False
    try:
        while not claimant.is_own(claimant.take(name)):
            if not has_told:
                waits()
            has_told = True
            time.sleep(claimant.poll_s)
        yield
    finally:
        claimant.release(name)
        claimant.close()
