"""Takes claims, and renews those that are held; takes over those of dead owners.

A claim is renewed while its owner works. One that is not renewed for long has a dead owner. The clocks of hosts differ,
so what counts is whether a claim changes while this host looks on, by its own steady clock.
"""

import contextlib
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.errors import PipelineError
from pipeline.stores import atomic
from pipeline.stores.claims import Claims, Taken

RENEWALS = 6
"""In the time after which a claim expires."""

POLL_S = 1.0
"""Between two looks at what others have claimed, or less where claims expire soon."""


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
