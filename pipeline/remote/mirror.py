"""Local folders that stand for object storage: whoever has a path below one finds the object that it stands for.

A mirror has `mirror.json` with the address at its root. Nothing is registered: the address is found from the path, in
any process that is given one. What is fetched when is for those to say who use the mirror.
"""

import functools
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import ConfigError, StoreError
from pipeline.remote.client import storage_of
from pipeline.remote.objects import Objects

NAME = "mirror.json"


@dataclass(frozen=True)
class Mirror:
    """A local folder and the address that it stands for."""

    folder: Path
    """Absolute."""
    address: str

    @property
    def objects(self) -> Objects:
        """The objects below the address."""
        return Objects(self.address)

    def path(self, key: str) -> Path:
        """The local path that stands for an object; ConfigError for a key that would lead out of the folder."""
        parts = PurePosixPath(key).parts
        if not parts or ".." in parts or key.startswith("/") or "\\" in key or "\0" in key:
            raise ConfigError(f"{self.address}/{key}: no name for a local file; rename the object")
        return self.folder.joinpath(*parts)

    def fetch(self, key: str) -> Path:
        """The local path of an object, which is fetched where it is not there yet; FileNotFoundError where it is none.

        A copy that is there is taken as it is: for objects that never change, or by those who compare them first.
        """
        path = self.path(key)
        if not path.exists():
            self.objects.fetch(key, path)
        return path


def name_of(address: str) -> str:
    """8 hex digits for a mirror's folder: of the address, and of the endpoint or account that the environment names."""
    return hashlib.sha256("\n".join(storage_of(Objects(address).address)).encode()).hexdigest()[:8]


def make(folder: Path, address: str) -> Mirror:
    """The mirror of the address in this folder, which is made where it is missing; StoreError where it is another's."""
    there = _read(folder)
    if there is None:
        mirror = Mirror(_absolute(folder), Objects(address).address)
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".tmp-{os.getpid()}-{NAME}"
        temporary.write_text(json.dumps({"address": mirror.address}), encoding="utf-8")
        os.replace(temporary, folder / NAME)  # noqa: PTH105 - replaces on every system
        _nearest.cache_clear()
        return mirror
    if there.address != Objects(address).address:
        raise StoreError(f"{folder}: is the mirror of {there.address}; delete it, or take another folder")
    return there


def mirror_of(path: Path) -> tuple[Mirror, str] | None:
    """The mirror that a path lies in, with the key that the path stands for; None for any other path.

    The key of the mirror's own folder is empty.
    """
    whole = _absolute(path)
    mirror = _nearest(whole.parent) or _read(whole)
    if mirror is None:
        return None
    key = whole.relative_to(mirror.folder).as_posix()
    return mirror, "" if key == "." else key


@functools.lru_cache(maxsize=65536)
def _nearest(folder: Path) -> Mirror | None:
    """The mirror that a folder is, or lies in. Kept for each folder: a mirror is made before paths in it are asked."""
    mirror = _read(folder)
    return _nearest(folder.parent) if mirror is None and folder.parent != folder else mirror


def _read(folder: Path) -> Mirror | None:
    try:
        address = json.loads((folder / NAME).read_text(encoding="utf-8"))["address"]
        return Mirror(_absolute(folder), Objects(address).address)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(f"{folder / NAME}: is damaged; delete the folder, which is fetched again") from None


def _absolute(path: Path) -> Path:
    """Absolute without a look at links, and so without the disk."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links
