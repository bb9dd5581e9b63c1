"""Where results lie: publishing, removing and fetching in one folder. This one is on a disk.

`pipeline.stores.places.place_of` finds the place of a folder. `pipeline.stores.object_place` has the other kind, whose
methods mean the same; the docstrings here hold for both.
"""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from pipeline.stores import atomic

RESULT, PART, MANIFEST = "recipe.json", "zarr.json", "manifest.json"
"""Files that mark a result, a part of a feature store, and a manifest, as whole: written last, removed first."""
MARKS = (RESULT, PART, MANIFEST)


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
