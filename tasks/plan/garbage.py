"""Finds what may be deleted: results that no config asks for any more, remains of killed runs, and damaged results."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.stores import atomic, claims, damage, places
from tasks.plan.layout import Layout
from tasks.plan.wanted import Judge

PATTERNS = (
    "features/*/*",
    "text/*/*",
    "manifests/*/*",
    "runs/*/*/*",
    "reports/*/*/*",
    "ablations/*/*/*",
    "comparisons/*/*/*",
    "index/*/*",
)
"""Folders below the store that are named by a fingerprint and may be garbage."""


@dataclass(frozen=True)
class Garbage:
    """What may be deleted, each list sorted by path."""

    results: list[Path]
    """Results that no config leads to any more."""
    abandoned: list[Path]
    """Temporary files and folders of killed runs, and their claims."""
    damaged: list[Path]
    """Damaged results that were set aside."""
    notes: list[str] = field(default_factory=list)
    """What is kept because nobody can tell whether it is wanted, and why."""

    @property
    def paths(self) -> list[Path]:
        """All of it."""
        return [*self.results, *self.abandoned, *self.damaged]


def find_garbage(layout: Layout) -> Garbage:
    """What may be deleted; what cannot be told apart from a wanted result is kept, and named in the notes."""
    judge = Judge(layout)
    places.listed(layout.store)
    results = [path for path in _results(layout) if not judge.is_wanted(path)]
    left = [*_abandoned(layout), *places.place_of(layout.store).remains()]
    abandoned = [path for path in left if not any(path.is_relative_to(result) for result in results)]
    abandoned += claims.abandoned(layout.store)
    damaged = sorted((layout.store / damage.FOLDER).glob("*"))
    return Garbage(results, abandoned, damaged, judge.notes)


def size_bytes(path: Path) -> int:
    """Size of a file, or of all files below a folder."""
    return places.place_of(path).total_bytes(path)


def _results(layout: Layout) -> Iterator[Path]:
    for pattern in PATTERNS:
        for path in sorted(layout.store.glob(pattern)):
            if path.is_dir() and not path.name.startswith(atomic.TEMPORARY):
                yield path


def _abandoned(layout: Layout) -> Iterator[Path]:
    return (path for path in sorted(_temporary(layout)) if atomic.is_abandoned(path))


def _temporary(layout: Layout) -> Iterator[Path]:
    """What has a temporary name, at any depth. It is not looked into, nor are parts, which are many."""
    for folder, folders, files in os.walk(layout.store):
        here = Path(folder)
        yield from (here / name for name in (*folders, *files) if name.startswith(atomic.TEMPORARY))
        left_out = {damage.FOLDER} if here == layout.store else set()
        folders[:] = [name for name in folders if name not in left_out and not _WHOLE.match(name)]


_WHOLE = re.compile(rf"part-.*\.zarr$|{re.escape(atomic.TEMPORARY)}")
"""Names of folders in which nothing is left by a killed run, or that are such remains as a whole."""
