"""Claims in object storage, where an object is created by one host alone; what claims are: `pipeline.stores.claims`."""

import contextlib
import time
import uuid

from pipeline.remote.objects import Objects

AWAY_S = 5.0
"""A request that took so long was repeated while the storage was away: nobody could renew a claim."""
BACK_S = 20.0
"""So long after it is back, all who work have renewed their claims."""


class ObjectClaims:
    """Claims as objects in a folder of object storage. RemoteError where the storage does not answer in time."""

    def __init__(self, objects: Objects, folder: str) -> None:
        self._objects, self._folder = objects, folder

    def claim(self, name: str, content: str) -> bool:
        """As of Claims, by a conditional create."""
        return self._objects.create(self._key(name), _signed(content))

    def renew(self, name: str) -> None:
        """As of Claims; one that somebody else has taken meanwhile is left as it is."""
        with contextlib.suppress(FileNotFoundError):
            found, signed = self._objects.look(self._key(name))
            self._objects.exchange(found.key, _signed(_content(signed)), found.etag)

    def read_claim(self, name: str) -> tuple[str, float] | None:
        """As of Claims. After the storage was away, what was renewed since it is back."""
        began_s = time.monotonic()
        claim = self._look(name)
        if time.monotonic() - began_s > AWAY_S:
            time.sleep(BACK_S)
            claim = self._look(name)
        return claim

    def release(self, name: str) -> None:
        """As of Claims."""
        self._objects.delete([self._key(name)])

    def names(self, folder: str) -> list[str]:
        """As of Claims."""
        _, found = self._objects.level(self._key(folder))
        return sorted(one.key.removeprefix(f"{self._folder}/") for one in found)

    def _look(self, name: str) -> tuple[str, float] | None:
        try:
            found, signed = self._objects.look(self._key(name))
        except FileNotFoundError:
            return None
        return _content(signed), time.time() - found.modified_s

    def _key(self, name: str) -> str:
        return f"{self._folder}/{name}"


def _signed(content: str) -> bytes:
    """The content with a last line of its own: so an object that is there is known as written by this very request."""
    return f"{content}\n{uuid.uuid4().hex}".encode()


def _content(signed: bytes) -> str:
    return signed.decode(errors="replace").rpartition("\n")[0]
