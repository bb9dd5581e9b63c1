"""A folder of results in object storage, seen through the local folder that mirrors it; see `places`."""

import errno
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import DamagedError, OutageError
from pipeline.remote.mirror import Mirror, mirror_of
from pipeline.remote.objects import Objects
from pipeline.stores import atomic
from pipeline.stores.fingerprint import file_sha256
from pipeline.stores.local_place import MARKS, PART, LocalPlace
from pipeline.stores.object_listing import CLAIMS, PART_PREFIX, STORES, files_of, listing_of, side_by_side

LARGE_BYTES = 64 << 20
"""That so much is fetched is said."""
MARKED = {"runs": 4, "reports": 4, "ablations": 4, "comparisons": 4, "released": 4, "index": 3, "manifests": 3}
"""Kind of result -> depth of the folders of its results, each of which has one of MARKS."""
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)

log = logging.getLogger(__name__)


class ObjectPlace(LocalPlace):
    """The folder `folder` in `mirror`, which stands for the objects below `key`."""

    def __init__(self, folder: Path, mirror: Mirror, key: str) -> None:
        super().__init__(folder)
        self._mirror, self._key = mirror, key

    @property
    def is_remote(self) -> bool:
        """True."""
        return True

    @property
    def _objects(self) -> Objects:
        return self._mirror.objects

    def refresh(self, max_age_s: float = 0.0) -> None:
        """As of LocalPlace."""
        try:
            listing_of(self._mirror).refresh(self._key, max_age_s)
        except OSError as error:
            raise self._refused(error) from None

    def publish(self, written: Path, path: Path, replace: bool = False) -> None:
        """As of LocalPlace: the objects first, that which marks a folder as whole last, then here by a rename."""
        if replace:
            self.remove_for_others(path)
        files = [file for file in sorted(written.rglob("*")) if file.is_file()] if written.is_dir() else [written]
        marks = [file for file in files if file in {written / mark for mark in MARKS}]
        keys = {file: self._key_of(path / file.relative_to(written)) for file in files}
        side_by_side(lambda file: self._objects.put(keys[file], file), [file for file in files if file not in marks])
        for mark in marks:
            self._objects.put(keys[mark], mark)
        try:
            super().publish(written, path, replace)
        except OSError:
            # Another process of this host may have listed and copied it by now; what it has not is fetched when needed.
            if not any((path / mark.name).is_file() for mark in marks):
                raise

    def share(self, paths: Sequence[Path]) -> None:
        """As of LocalPlace."""
        side_by_side(lambda path: self._objects.put(self._key_of(path), path), list(paths))

    def remove(self, path: Path) -> None:
        """As of LocalPlace: the object that marks a folder as whole first, then the others, then the copies."""
        self.remove_for_others(path)
        super().remove(path)

    def remove_for_others(self, path: Path) -> None:
        """As of LocalPlace."""
        key = self._key_of(path)
        self._objects.delete([key, *(f"{key}/{mark}" for mark in MARKS)])
        self._objects.delete(found.key for found in self._objects.found(key))

    def fetch(self, paths: Sequence[Path]) -> None:
        """As of LocalPlace."""
        missing = [found for path in paths for found in self._missing(path)]
        if not missing:
            return
        sizes = [listing_of(self._mirror).size_bytes(self._key_of(path)) or 0 for path in missing]
        if sum(sizes) > LARGE_BYTES:
            log.warning("Fetching %.0f MB from %s to %s", sum(sizes) / 1e6, self._mirror.address, self._mirror.folder)
        last = [path for path in missing if path.name == PART]  # marks an array as fetched
        side_by_side(self._fetch_file, [path for path in missing if path.name != PART])
        side_by_side(self._fetch_file, last)

    def _missing(self, path: Path) -> list[Path]:
        """The files that are not here, of a file or of all below a folder; what is here is not asked for."""
        key = self._key_of(path)
        if path.is_file() or (_is_in_part(key) and (path / PART).is_file() and not path.name.startswith(PART_PREFIX)):
            return []
        named = [path / name for name in files_of(path)]
        if not named:
            named = [self._mirror.path(found.key) for found in self._objects.found(key)] or [path]
        return [file for file in named if not file.is_file()]

    def _fetch_file(self, path: Path) -> None:
        try:
            self._objects.fetch(self._key_of(path), path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._refused(error) from None
        for result in (path.parent, *path.parents[1:4]):
            listed = files_of(result).get(os.path.relpath(path, result).replace(os.sep, "/"))
            if listed and (path.stat().st_size, file_sha256(path)) != listed:
                path.unlink()
                raise DamagedError(result, f"the bytes of {path.name} in {self._mirror.address} have changed")

    def _refused(self, error: OSError) -> OSError:
        """The error of this machine's disk in one line; other errors as they are."""
        if error.errno not in _REFUSALS:
            return error
        return OutageError(
            f"{self._mirror.folder}: {error.strerror}; free some space (all below it are copies, which may be deleted "
            "and are fetched again), and run again"
        )

    def size_bytes(self, path: Path) -> int:
        """As of LocalPlace."""
        try:
            return super().size_bytes(path)
        except FileNotFoundError:
            size = listing_of(self._mirror).size_bytes(self._key_of(path))
            if size is None:
                raise
            return size

    def total_bytes(self, path: Path) -> int:
        """As of LocalPlace, in the storage; what is only here counts where nothing is there."""
        key = self._key_of(path)
        return sum(found.size for found in self._objects.found(key)) or super().total_bytes(path)

    def remains(self) -> list[Path]:
        """As of LocalPlace: old parts and results without the object that marks them as whole, and old claims."""
        now_s = time.time()
        newest: dict[str, float] = {}
        whole: set[str] = set()
        for found in self._objects.found(self._key):
            unit = _unit(found.key)
            if unit is not None:
                newest[unit] = max(newest.get(unit, 0.0), found.modified_s)
                whole.update({unit} if found.key in {f"{unit}/{mark}" for mark in MARKS} else ())
        return sorted(self._mirror.path(unit) for unit in newest.keys() - whole if _is_old(unit, now_s - newest[unit]))

    def has_same_bytes(self, path: Path) -> bool:
        """As of LocalPlace; each file is fetched once more to be compared."""
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        probe = atomic.temporary(self._mirror.folder / "compared")
        try:
            return all(self._is_same(file, probe) for file in files if file.exists())
        finally:
            probe.unlink(missing_ok=True)

    def _is_same(self, path: Path, probe: Path) -> bool:
        try:
            self._objects.fetch(self._key_of(path), probe)
        except FileNotFoundError:
            return True  # nothing there could replace it
        return file_sha256(path) == file_sha256(probe)

    def _key_of(self, path: Path) -> str:
        found = mirror_of(path)
        assert found is not None, "the place was made for a folder of this mirror"
        return found[1]


def _is_old(unit: str, age_s: float) -> bool:
    return age_s > (atomic.ABANDONED_S if unit.startswith(f"{CLAIMS}/") else atomic.FOREIGN_ABANDONED_S)


def _is_in_part(key: str) -> bool:
    return key.partition("/")[0] in STORES and f"/{PART_PREFIX}" in key


def _unit(key: str) -> str | None:
    """The part, result or claim that an object belongs to, if an object marks it as whole; else None."""
    parts = key.split("/")
    if parts[0] in STORES:
        return "/".join(parts[:4]) if f"/{PART_PREFIX}" in key else None
    if parts[0] == CLAIMS:
        return key
    depth = MARKED.get(parts[0], len(parts))
    return "/".join(parts[:depth]) if len(parts) > depth else None
