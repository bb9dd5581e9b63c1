"""The people of one collection: clusters of faces in the current index, with the names that the user gave them."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from search.index.features import FACE, Features
from search.index.folder import Facts
from search.people import names
from search.people.clusters import Clusters, cluster, near_of, unit
from search.people.names import MOST_NAMES, Kept, Named

_WHO = re.compile(r"(?:(?<=\s)|^)who:\s*", re.IGNORECASE)
_change = threading.Lock()
"""Held while the file is read and written again."""


@dataclass(frozen=True)
class Person:
    """A cluster of faces."""

    number: int
    """Of the cluster, those of the most faces first."""
    name: str
    """Empty where it has none."""
    faces: NDArray[np.int64]
    """Numbers of the faces among the N of the index, the one that is most like the others first."""
    rows: NDArray[np.int64]
    """Row of the video of each face."""


@dataclass(frozen=True)
class SeenFace:
    """A face of a named person in a video."""

    name: str
    expert: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class WhoQuery:
    """A query that begins with, or holds, who: NAME."""

    names: tuple[str, ...]
    text: str
    """The rest of the query."""
    unknown: str = ""
    """What follows a "who:" and is nobody's name."""


class People:
    """The people in the index at `folder`. Nothing of them is looked at before they are switched on."""

    def __init__(self, folder: Path, facts: Facts) -> None:
        self.file = folder.parent / names.FILE
        experts = [name for name in facts.compared if facts.modalities[name] == FACE]
        self.expert = max(experts, key=lambda name: facts.seen.get(name, 0), default="")
        self._recipe = facts.recipes.get(self.expert, "")
        self.features = Features(folder, self.expert)
        self.near = near_of(folder, self.expert)
        """Cosine from which on two groups of faces are one person."""
        self._look = threading.Lock()
        self._clusters: Clusters | None = None
        self._found: tuple[Kept, list[Person]] | None = None

    @property
    def kept(self) -> Kept:
        """What the file holds now: another process may have changed it."""
        return names.read(self.file)

    @property
    def is_on(self) -> bool:
        """Whether the user switched people on, and there is an expert that sees faces."""
        return bool(self.expert) and self.kept.is_on

    def switch(self, on: bool) -> None:
        """Switches people on or off; names are kept. ConfigError where no expert sees faces."""
        if on and not self.expert:
            raise ConfigError(
                "no expert of this collection sees faces, or its index is older: add face, run BuildIndex"
            )
        with _change:
            names.write(self.file, replace(self.kept, is_on=on))

    def delete(self) -> None:
        """Switches people off, and deletes names and clusters."""
        with _change:
            names.delete(self.file)
            self._clusters, self._found = None, None

    @property
    def clusters(self) -> Clusters:
        """The clusters of all faces in the index, in memory only."""
        with self._look:
            self._clusters = self._clusters or cluster(self.features.raw(slice(None)), self.near)
            return self._clusters

    def all(self) -> list[Person]:
        """All people, those of the most faces first; none while people are off."""
        kept = self.kept
        if not self.expert or not kept.is_on:
            return []
        before = self._found
        if before is None or before[0] != kept:
            self._found = before = kept, self._people(kept)
        return before[1]

    def _people(self, kept: Kept) -> list[Person]:
        clusters, comparable = self.clusters, self._comparable(kept)
        named = names.matched(clusters.centres, comparable, self.near)
        owners = np.repeat(np.arange(len(self.features.offsets) - 1), np.diff(self.features.offsets))
        by_cluster = np.argsort(clusters.numbers, kind="stable")
        bounds = np.searchsorted(clusters.numbers[by_cluster], np.arange(len(clusters.centres) + 1))
        people = []
        for number, centre in enumerate(clusters.centres):
            faces = by_cluster[bounds[number] : bounds[number + 1]]
            order = np.argsort(-(unit(self.features.raw(faces)) @ centre), kind="stable")
            name = comparable[named[number]].name if number in named else ""
            people.append(Person(number, name, faces[order], owners[faces[order]]))
        return people

    def name(self, number: int, name: str) -> None:
        """Gives a cluster a name, or takes its name away where it is empty. ConfigError for no cluster or no name."""
        plain = names.checked(name)
        if not self.is_on or not 0 <= number < len(self.clusters.centres):
            raise ConfigError("there is no such person; reload the page")
        with _change:
            kept = self.kept
            comparable = self._comparable(kept)
            before = names.matched(self.clusters.centres, comparable, self.near).get(number)
            gone = None if before is None else comparable[before]
            others = tuple(one for one in kept.people if one is not gone)
            if plain and len(others) >= MOST_NAMES:
                raise ConfigError(f"{MOST_NAMES} people have names already; take some away")
            face = tuple(round(float(value), 6) for value in self.clusters.centres[number])
            new = (Named(plain, self.expert, self._recipe, face),) if plain else ()
            names.write(self.file, replace(kept, people=others + new))

    def split(self, query: str) -> WhoQuery:
        """The names in a query and its rest. Names are compared without regard to case; the longest one counts."""
        known = sorted({one.name for one in self.kept.people} if self.is_on else (), key=len, reverse=True)
        first, *parts = _WHO.split(query)
        wanted, rest, unknown = [], [first], ""
        for part in parts:
            plain = part.replace('"', " ").strip()
            name = next((one for one in known if _begins(plain, one)), None)
            if name is None:
                unknown = plain
            else:
                wanted.append(name)
                rest.append(plain[len(name) :])
        return WhoQuery(tuple(wanted), " ".join(" ".join(rest).split()) if parts else query, unknown)

    def find(self, wanted: Sequence[str]) -> dict[int, tuple[SeenFace, ...]]:
        """Row of a video with all of these people -> their faces in it, the most telling one of the first person first.

        Nothing where nobody is wanted.
        """
        found: list[dict[int, list[SeenFace]]] = []
        for name in wanted:
            of_name: dict[int, list[SeenFace]] = {}
            for person in self.all():
                if person.name == name:
                    for row, start_s, end_s in zip(person.rows.tolist(), *self.times_s(person), strict=True):
                        of_name.setdefault(row, []).append(SeenFace(name, self.expert, start_s, end_s))
            found.append(of_name)
        common = set.intersection(*map(set, found)) if found else set()
        return {row: tuple(face for one in found for face in one[row]) for row in sorted(common)}

    def times_s(self, person: Person) -> tuple[list[float], list[float]]:
        """Start and end of each face of a person."""
        times_s = self.features.times_s[person.faces]
        return times_s[:, 0].tolist(), times_s[:, 1].tolist()

    def _comparable(self, kept: Kept) -> list[Named]:
        """The names whose faces are of the expert of this index."""
        return [one for one in kept.people if (one.expert, one.recipe) == (self.expert, self._recipe)]


def _begins(text: str, name: str) -> bool:
    """Whether a text begins with a name, and with no longer word."""
    after = text[len(name) : len(name) + 1]
    return text[: len(name)].casefold() == name.casefold() and not (after.isalnum() or after == "_")
