"""What a process knows of a store in object storage, by listing it and by copying what says which results there are.

Below STORES lie folders of parts, of which only the names are listed, some thousand a request; a part counts once its
index was read. All else is small in number and is listed whole. Copies carry the date of their object, so that a file
that was replaced is known by its size or date.
"""

import functools
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from pipeline.remote.mirror import Mirror
from pipeline.remote.objects import Found
from pipeline.stores import atomic
from pipeline.stores.local_place import DAMAGED, MANIFEST, PART, RESULT, LocalPlace

STORES = ("features", "text")
"""Folders of `<name>/<fingerprint>/part-*.zarr`."""
CLAIMS = "claims"
NEWS = (RESULT, "current.json", "report.json", "vectors.json")
"""Files that are copied as soon as they are listed: they tell what there is, and some of them are replaced."""
ALONE = "current.json"
"""One that is published by itself, and not with its result."""
POINTERS = "look-"
"""The same, as the beginning of a name."""
STORE_DEPTH = 3
PART_PREFIX = "part-"
THREADS = 16

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The result of `work` for each item, several at a time: most of it is waiting for answers."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(THREADS, len(items))) as pool:
        return list(pool.map(work, items))


def is_news(key: str) -> bool:
    """Whether an object is copied as soon as it is listed."""
    name = key.rpartition("/")[2]
    return name in NEWS or (name.startswith(POINTERS) and name.endswith(".json"))


def _is_published(name: str) -> bool:
    return name in (RESULT, MANIFEST, ALONE) or name.startswith(POINTERS)


class Listing:
    """What was listed of one mirror in this process. Any thread may use it."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror, self._objects, self._lock = mirror, mirror.objects, threading.RLock()
        self._listed_s: dict[str, float] = {}
        self._sizes: dict[str, int] = {}

    def refresh(self, key: str, max_age_s: float) -> None:
        """Brings copies of what says which results there are below the folder `key` up to date."""
        kind = key.partition("/")[0]
        with self._lock:
            if key.count("/") >= STORE_DEPTH - 1 and kind in STORES:
                store = "/".join(key.split("/")[:STORE_DEPTH])
                self._once(store, max_age_s, functools.partial(self._refresh_parts, store))
            elif kind in STORES or not kind:
                self._once(f"{key}/", max_age_s, functools.partial(self._refresh_stores, key))
            if kind not in STORES:
                self._once("", max_age_s, self._refresh_results)

    def size_bytes(self, key: str) -> int | None:
        """Size of an object of a result when it was last listed; None for one that was not there."""
        return self._sizes.get(key)

    def _once(self, key: str, max_age_s: float, refresh: Callable[[], None]) -> None:
        listed_s = self._listed_s.get(key)
        if listed_s is None or time.monotonic() - listed_s > max_age_s:
            refresh()
            self._listed_s[key] = time.monotonic()

    def _refresh_stores(self, key: str) -> None:
        """Makes the stores below a folder visible, with their recipes, but not their parts."""
        if key.count("/") == STORE_DEPTH - 1:
            self._refresh_store(key)
            return
        names = self._objects.folders(key) if key else STORES
        side_by_side(self._refresh_stores, [f"{key}/{name}" if key else name for name in names])

    def _refresh_parts(self, store: str) -> None:
        local = self._mirror.path(store)
        # Looked at before the storage is: what is here by then was there before.
        here = {path.name for path in local.glob(f"{PART_PREFIX}*")}
        there = set(self._refresh_store(store))
        for gone in sorted(here - there):
            hide(local / gone)
        side_by_side(lambda name: self._copy_index(f"{store}/{name}"), sorted(there - here))

    def _refresh_store(self, store: str) -> list[str]:
        """Copies the recipe of a store, and what else lies beside its parts; returns the names of the parts."""
        had_recipe = (self._mirror.path(store) / RESULT).exists()
        folders, files = self._objects.level(store)
        local, parts = self._mirror.path(store), [name for name in folders if name.startswith(PART_PREFIX)]
        if parts:
            local.mkdir(parents=True, exist_ok=True)
        beside = [found for name in folders if name not in parts for found in self._objects.found(f"{store}/{name}")]
        self._copy([*(found for found in files if is_news(found.key)), *beside])
        if had_recipe and not any(found.key == f"{store}/{RESULT}" for found in files):
            (local / RESULT).unlink(missing_ok=True)
        return parts

    def _copy_index(self, part: str) -> None:
        """Makes a part visible, with its index alone, by one rename; one without an index is not published."""
        path = self._mirror.path(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = atomic.temporary(path)
        try:
            self._objects.fetch(f"{part}/{PART}", temporary / PART)
            os.rename(temporary, path)  # noqa: PTH104 - a copy needs no flush
        except FileNotFoundError:
            return
        except OSError:
            if not (path / PART).exists():  # else another process was first
                raise
        finally:
            LocalPlace(path.parent).drop(temporary)

    def _refresh_results(self) -> None:
        here = self._published_here()
        kinds = [name for name in self._objects.folders() if name not in (*STORES, CLAIMS)]
        found = [one for of_kind in side_by_side(self._all, kinds) for one in of_kind]
        self._sizes = {one.key: one.size for one in found}
        self._copy([one for one in found if is_news(one.key)])
        for key in self._sizes:
            if key.endswith(f"/{MANIFEST}"):  # which can be large, so that only its folder shows that it is there
                self._mirror.path(key).parent.mkdir(parents=True, exist_ok=True)
        for path in here:
            if path.relative_to(self._mirror.folder).as_posix() not in self._sizes:
                hide(path.parent if path.name in (RESULT, MANIFEST) else path)

    def _all(self, prefix: str) -> list[Found]:
        return list(self._objects.found(prefix))

    def _published_here(self) -> list[Path]:
        """The files on this disk that are there only once they are in the storage."""
        apart = {*STORES, CLAIMS, DAMAGED}
        kinds = [entry for entry in self._mirror.folder.iterdir() if entry.is_dir() and entry.name not in apart]
        kinds = [kind for kind in kinds if not kind.name.startswith(atomic.TEMPORARY)]
        return [path for kind in kinds for path in kind.rglob("*.json") if _is_published(path.name) and _is_shown(path)]

    def _copy(self, found: Iterable[Found]) -> None:
        side_by_side(self._copy_one, [one for one in found if not _is_current(self._mirror.path(one.key), one)])

    def _copy_one(self, found: Found) -> None:
        path = self._mirror.path(found.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary, before = atomic.temporary(path), _date(path)
        try:
            self._objects.fetch(found.key, temporary)
            if _date(path) != before:
                return  # another process has published or copied it meanwhile
            if path.name == RESULT:
                _drop_outdated(path, temporary)
            os.utime(temporary, (found.modified_s, found.modified_s))
            os.replace(temporary, path)  # noqa: PTH105 - a copy needs no flush
        except FileNotFoundError:
            return  # removed since it was listed
        finally:
            temporary.unlink(missing_ok=True)


@functools.lru_cache(maxsize=64)
def listing_of(mirror: Mirror) -> Listing:
    """The listing of a mirror in this process."""
    return Listing(mirror)


def files_of(result: Path, recipe: Path | None = None) -> dict[str, tuple[int, str]]:
    """Name -> (size, SHA-256) of the files that the recipe of a result lists; empty where there is none to be read.

    `recipe`: the file itself, where it does not lie in the result yet.
    """
    try:
        text = (recipe or result / RESULT).read_text(encoding="utf-8")
        listed: dict[str, Any] = json.loads(text)["files"]
        return {name: (int(size), str(digest)) for name, (size, digest) in listed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def hide(path: Path) -> None:
    """Gives a copy that is gone from the storage a temporary name, under which CollectGarbage deletes it later.

    Not at once: a storage that came up empty by mistake would take the last copies with it.
    """
    try:
        os.rename(path, atomic.temporary(path))  # noqa: PTH104 - nothing is published
    except FileNotFoundError:
        return


def _is_current(path: Path, found: Found) -> bool:
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.st_size == found.size and abs(stat.st_mtime - found.modified_s) < 0.001


def _date(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _is_shown(path: Path) -> bool:
    return not any(part.startswith(atomic.TEMPORARY) for part in path.parts)


def _drop_outdated(path: Path, newer: Path) -> None:
    """Deletes copies of files that the newer recipe lists otherwise: the result was made anew elsewhere."""
    before, now = files_of(path.parent), files_of(path.parent, newer)
    for name in before:
        if now.get(name) != before[name]:
            (path.parent / name).unlink(missing_ok=True)
