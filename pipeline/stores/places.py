"""Finds where a folder of results lies: on a disk, or in object storage that a local folder mirrors.

All that is published, removed, or read from another host goes through here, so that the rest of the program deals with
local paths only.

The mirror of a store holds copies. Results never change under their names, so a copy is taken as it is, and the whole
mirror may be deleted at any time. What says which results there are is refreshed by listing: `recipe.json` of a result,
`zarr.json` of a part, and the few files that are replaced (NEWS in `object_listing`). Everything else is fetched when
it is opened. What is published goes to the storage first, with the file that marks it as whole last, and then appears
here by a rename; what is removed loses that file in the storage first. The state of an unfinished training, what is set
aside as damaged, and temporary files lie on the local disk only.
"""

import functools
from pathlib import Path, PurePosixPath

from pipeline.errors import ConfigError
from pipeline.remote import mirror
from pipeline.remote.objects import is_remote
from pipeline.stores import atomic
from pipeline.stores.local_place import DAMAGED, RESULT, LocalPlace
from pipeline.stores.object_place import ObjectPlace

__all__ = ["RESULT", "Place", "fetched", "listed", "place_of", "publish", "remove", "store_folder", "write_text"]

Place = LocalPlace

WRITABLE = ("s3://", "gs://", "az://")

REFRESH_S = 10.0
"""What was listed in this process so short ago is not listed again: Luigi asks for the same results many times."""


def store_folder(address: str, data: Path) -> Path:
    """The local folder of a store: `data/store` where `address` is empty, a mirror for one of object storage.

    ConfigError for an address of another kind.
    """
    if not address:
        return data / "store"
    if "://" in address and not address.startswith(WRITABLE):
        raise ConfigError(f"[Paths] store = {address}: results lie in a folder, or at {', '.join(WRITABLE)}")
    return _mirror(address, data) if is_remote(address) else Path(address)


@functools.lru_cache(maxsize=64)
def _mirror(address: str, data: Path) -> Path:
    folder = data / "mirror" / mirror.name_of(address)
    mirror.make(folder, address)
    return folder


def place_of(folder: Path) -> Place:
    """The place of a folder; what is temporary or set aside is of the local disk."""
    found = mirror.mirror_of(folder)
    if found is None:
        return LocalPlace(folder)
    parts = PurePosixPath(found[1]).parts
    if parts[:1] == (DAMAGED,) or any(part.startswith(atomic.TEMPORARY) for part in parts):
        return LocalPlace(folder)
    return ObjectPlace(folder, *found)


def listed(folder: Path) -> Path:
    """The folder itself, in which what other hosts have published can be seen now."""
    place_of(folder).refresh(REFRESH_S)
    return folder


def fetched(path: Path) -> Path:
    """The path itself, of a file or folder that lies on this disk now if it is anywhere."""
    place_of(path).fetch([path])
    return path


def publish(written: Path, path: Path, replace: bool = False) -> None:
    """As `LocalPlace.publish`, in the place of `path`."""
    place_of(path).publish(written, path, replace)


def remove(path: Path) -> None:
    """As `LocalPlace.remove`, in the place of `path`."""
    place_of(path).remove(path)


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically (UTF-8), for all hosts; makes the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = atomic.temporary(path)
    try:
        written.write_text(text, encoding="utf-8")
        publish(written, path)
    finally:
        written.unlink(missing_ok=True)
