"""Where results lie: publishing, removing, fetching and claiming in one folder. This one is on a disk.

`pipeline.stores.places.place_of` finds the place of a folder. `pipeline.stores.object_place` has the other kind, whose
methods mean the same; the docstrings here hold for both.
"""

import contextlib
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from pipeline.stores import atomic

RESULT, PART = "recipe.json", "zarr.json"
"""Files that mark a result, and a part of a feature store, as whole: written last, removed first."""


DAMAGED = "damaged"
"""Folder of a store for what is set aside."""


class LocalPlace:
    """A folder on a disk, which several processes and, on a network drive, several hosts may share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def is_remote(self) -> bool:
        """Whether the folder stands for object storage, so that files may have to be fetched."""
        return False

    def refresh(self, max_age_s: float = 0.0) -> None:
        """Makes what other hosts have published or removed since visible here, unless that was done `max_age_s` ago."""

    def publish(self, written: Path, path: Path, replace: bool = False) -> None:
        """Makes the file or folder `written` appear whole under `path`, for all hosts.

        A file replaces an older one; a folder must be new unless `replace`. OSError where it cannot be written.
        """
        if replace and path.is_dir():
            shutil.rmtree(path)
        atomic.publish(written, path)

    def share(self, paths: Sequence[Path]) -> None:
        """Gives files that lie here already to the other hosts."""

    def remove(self, path: Path) -> None:
        """Deletes a file or folder, here and for all hosts.

        A folder loses its name first, so that a kill leaves no half of it that looks whole. What is not there is no
        error.
        """
        self.drop(path)

    def remove_for_others(self, path: Path) -> None:
        """Deletes a file or folder for all hosts, but not what lies on this disk."""

    def drop(self, path: Path) -> None:
        """Deletes what lies on this disk of a file or folder."""
        if not path.is_dir():
            path.unlink(missing_ok=True)
            return
        doomed = atomic.temporary(path)
        with contextlib.suppress(FileNotFoundError):  # another process was first
            path.rename(doomed)
            shutil.rmtree(doomed)

    def fetch(self, paths: Sequence[Path]) -> None:
        """Brings files, and all files below folders, to this disk where they are not; what is nowhere stays missing.

        DamagedError where what came is not what was published.
        """

    def size_bytes(self, path: Path) -> int:
        """Size of a file, here or not yet; FileNotFoundError where there is none."""
        return path.stat().st_size

    def total_bytes(self, path: Path) -> int:
        """Size of a file, or of all files below a folder."""
        files = path.rglob("*") if path.is_dir() else [path]
        return sum(file.lstat().st_size for file in files if not file.is_dir())

    def remains(self) -> list[Path]:
        """What killed hosts left below this folder that no disk shows, sorted; none on a disk."""
        return []

    def has_same_bytes(self, path: Path) -> bool:
        """Whether each file that lies on this disk below `path` is as it is for the other hosts."""
        return True

    def claim(self, name: str, content: str) -> bool:
        """Whether the claim `name` was free, and is now this caller's; `content` names it, and differs from others'."""
        path = self._claim(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        return True

    def renew(self, name: str, content: str) -> bool:
        """Sets the age of this caller's claim to 0; False where it is another's, or gone, by now."""
        if self._content(name) != content:
            return False
        try:
            os.utime(self._claim(name))
        except FileNotFoundError:
            return False
        return True

    def read_claim(self, name: str) -> tuple[str, float] | None:
        """The content of a claim and the seconds since it was made or renewed, by the storage's own clock; or None."""
        content = self._content(name)
        try:
            made_s = self._claim(name).stat().st_mtime
        except FileNotFoundError:
            return None
        probe = self._claim(f"{atomic.TEMPORARY}{uuid.uuid4().hex[:8]}")
        probe.touch()
        now_s = probe.stat().st_mtime  # of a network drive: its server's clock
        probe.unlink(missing_ok=True)
        return None if content is None else (content, max(0.0, now_s - made_s))

    def take_over(self, name: str, content: str, seen: str) -> bool:
        """Makes the claim of another, whose content is still `seen`, this caller's; False where somebody was first."""
        with atomic.exclusive(self._claim(name).parent, lambda: None):
            if self._content(name) != seen:
                return False
            atomic.write_text(self._claim(name), content)
            return True

    def release(self, name: str, content: str) -> None:
        """Gives this caller's claim up; one that is another's by now stays."""
        if self._content(name) == content:
            self._claim(name).unlink(missing_ok=True)

    def _claim(self, name: str) -> Path:
        return self.folder / name

    def _content(self, name: str) -> str | None:
        try:
            return self._claim(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
