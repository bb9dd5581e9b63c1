"""One maker per result: a lock among the processes of a machine, and in object storage a claim among hosts.

Two that make one result at once would take each other's files for damaged, and in object storage overwrite them. A
claim is renewed while its owner works. One that was not renewed for EXPIRED_S is taken over, by exactly one of those
who wait; that of a process of this machine which has ended, at once.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import RemoteError
from pipeline.remote.mirror import mirror_of
from pipeline.stores import atomic
from pipeline.stores.object_listing import CLAIMS
from pipeline.stores.places import Place, place_of

RENEW_S = 20.0
EXPIRED_S = 300.0
"""Longer than a storage that is away is waited for, and its owner with it."""
WAIT_S = 2.0
"""Between two looks whether another host is done."""

log = logging.getLogger(__name__)


@contextmanager
def exclusive(folder: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Context in which nobody else is in this context of the same folder; makes the folder here where it is missing.

    `waits` is called once where somebody else is in it. Who dies leaves it.
    """
    told: list[bool] = []

    def tell() -> None:
        if not told:
            waits()
        told.append(True)

    with atomic.exclusive(folder, tell):
        found = mirror_of(folder)
        if found is None:
            yield
            return
        claims = place_of(found[0].folder / CLAIMS / "made")
        with _held(claims, found[1].replace("/", "--"), tell):
            place_of(folder).refresh()  # what others made while this host waited, or did something else
            yield


@contextmanager
def _held(claims: Place, name: str, waits: Callable[[], None]) -> Iterator[None]:
    owner = atomic.new_owner()
    _take(claims, name, owner, waits)
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(claims, name, owner, done), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()
        try:
            claims.release(name, owner)
        except RemoteError as error:
            log.warning("%s; others wait for up to %.0f seconds", error, EXPIRED_S)


def _take(claims: Place, name: str, owner: str, waits: Callable[[], None]) -> None:
    while not claims.claim(name, owner):
        seen = claims.read_claim(name)
        if seen is None:
            continue  # released just now
        other, age_s = seen
        if (age_s > EXPIRED_S or atomic.is_gone(other)) and claims.take_over(name, owner, other):
            return
        waits()
        time.sleep(WAIT_S)


def _renew(claims: Place, name: str, owner: str, done: threading.Event) -> None:
    while not done.wait(RENEW_S):
        try:
            if not claims.renew(name, owner):
                log.warning("%s: another host has taken over, since this one was not heard of for long", name)
                return
        except RemoteError as error:
            log.warning("%s", error)
