"""The file people.json beside the indexes of a collection: whether people are on, and the names with a face for each.

It is no part of an index, which BuildIndex replaces. A name is kept with the mean face of its cluster, by which it is
found again among the clusters of a new index. The file is written on this machine only, also where the store is
mirrored to object storage, and nobody but its owner can read it.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import config, plain_data
from pipeline.errors import ConfigError, StoreError
from pipeline.stores import atomic
from search.index.vectors import Floats

FILE = "people.json"
LONGEST_NAME = 80
MOST_NAMES = 10_000


@dataclass(frozen=True)
class Named:
    """A cluster that has a name; several may have the same one."""

    name: str
    expert: str
    recipe: str
    """Fingerprint of the expert's recipe: only faces of one recipe can be compared. Empty for an imported expert."""
    face: tuple[float, ...]
    """(D,), the mean direction of the faces."""

    @property
    def vector(self) -> Floats:
        """`face` as an array."""
        return np.array(self.face, np.float32)


@dataclass(frozen=True)
class Kept:
    """The contents of the file."""

    is_on: bool = False
    people: tuple[Named, ...] = ()


def read(path: Path) -> Kept:
    """What the file holds; people are off where there is none. StoreError when it cannot be read."""
    try:
        return config.parse(Kept, plain_data.parse_json(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError:
        return Kept()
    except (OSError, ValueError, ConfigError) as error:
        why = " ".join(str(error).split())
        raise StoreError(f"{path}: the names of people cannot be read ({why}); put back a copy, or delete it") from None


def write(path: Path, kept: Kept) -> None:
    """Writes the file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, json.dumps(dataclasses.asdict(kept), ensure_ascii=False))
    path.chmod(0o600)


def delete(path: Path) -> None:
    """Deletes the file; without effect where there is none."""
    path.unlink(missing_ok=True)


def checked(name: str) -> str:
    """The name in one line; ConfigError for one that cannot be. Empty: no name."""
    plain = " ".join(name.split())
    if len(plain) > LONGEST_NAME or not all(letter.isprintable() for letter in plain):
        raise ConfigError(f"a name has {LONGEST_NAME} letters at most, and no control characters")
    return plain


def matched(centres: Floats, people: Sequence[Named], near: float) -> dict[int, int]:
    """Number of a cluster -> number of its name, of the `people` that are comparable: the nearest pairs first.

    Each of both at most once, and only where the cosine of the cluster's centre (C, D) and the face is at least `near`.
    """
    if not len(centres) or not people:
        return {}
    cosines = centres @ np.stack([one.vector for one in people]).T
    found: dict[int, int] = {}
    for flat in np.argsort(-cosines, axis=None, kind="stable").tolist():
        number, name = divmod(flat, len(people))
        if cosines[number, name] < near:
            break
        if number not in found and name not in found.values():
            found[number] = name
    return found
