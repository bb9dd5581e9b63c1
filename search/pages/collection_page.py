"""Routes of the page of a collection: what is in it, what each expert lacks and why, a map, and its neighbours."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from fastapi import FastAPI, HTTPException, Request

from pipeline.errors import DecodeError
from search.collection import Collection
from search.index import overview
from search.index.overview import Reason
from search.pages.collection_map import Map, map_of
from search.pages.local_files import NO_RIGHTS, LocalRights

MOUNT = "/c/"
"""Before the name of a collection in the addresses of a server with several."""


@dataclass(frozen=True)
class Served:
    """How a collection is served."""

    rights: LocalRights = NO_RIGHTS
    siblings: tuple[str, ...] = ()
    """All collections of the server, the one at its root first."""
    cache: Path | None = None
    """Folder in which maps are kept; None: they are only kept while the server runs."""


ALONE = Served()


@dataclass(frozen=True)
class Sibling:
    """A collection of this server."""

    name: str
    address: str
    """Relative to the page of search of the collection that was asked."""
    is_this: bool


@dataclass(frozen=True)
class ExpertOverview:
    """What an expert has of the videos of the collection."""

    name: str
    modality: str
    present: int
    absent: int | None
    """Videos in which there is nothing for it; null where the index does not tell."""
    failed: int | None
    reasons: tuple[Reason, ...]
    has_map: bool


@dataclass(frozen=True)
class CollectionOverview:
    """What is in a collection."""

    dataset: str
    num_videos: int
    total_s: float
    longest_s: float
    splits: dict[str, int]
    """Split -> number of its videos; empty names of splits are left out."""
    trained: bool
    text: str
    """Name of the text encoder of the trained experts; empty without."""
    experts: tuple[ExpertOverview, ...]
    left_out: tuple[Reason, ...]
    """Videos of the dataset that are not in it."""
    missing: tuple[Reason, ...]
    """Videos of it without a file."""
    tells_why: bool
    """Whether the index tells what failed; one that was built by an earlier version does not."""


def add_collection_page(app: FastAPI, collection: Collection, served: Served) -> None:
    """Adds /api/collections, /api/overview and /api/map/EXPERT."""

    @app.get("/api/collections", tags=["collection"])
    def collections(request: Request) -> list[Sibling]:
        """The collections of this server."""
        name = collection.facts.dataset
        is_mounted = str(request.scope.get("root_path", "")).endswith(MOUNT + name)
        before = "../" if is_mounted else MOUNT.lstrip("/")
        return [Sibling(one, f"{before}{one}/", one == name) for one in served.siblings or (name,)]

    @app.get("/api/overview", tags=["collection"])
    def the_overview() -> CollectionOverview:
        """What is in the collection, and what each expert lacks and why."""
        return overview_of(collection)

    @lru_cache(maxsize=16)
    def made(expert: str) -> Map:
        return map_of(collection, expert, served.cache)

    @app.get("/api/map/{expert}", tags=["collection"])
    def the_map(expert: str) -> Map:
        """The videos in a plane, near to each other where an expert finds them alike; takes seconds when new."""
        if expert not in collection.facts.modalities:
            raise HTTPException(404, f"{collection.facts.dataset} has no expert of this name")
        try:
            return made(expert)
        except DecodeError as error:
            raise HTTPException(409, str(error)) from error


def overview_of(collection: Collection) -> CollectionOverview:
    """What is in the collection."""
    facts, told = collection.facts, overview.read(collection.folder)
    experts = []
    for name, modality in facts.modalities.items():
        has_map = (collection.folder / overview.FOLDER / f"{name}.npz").is_file()
        known = told.experts.get(name) if told else None
        counts = (facts.seen[name], known.absent if known else None, known.failed if known else None)
        experts.append(ExpertOverview(name, modality, *counts, known.reasons if known else (), has_map))
    names, counts_of = np.unique(collection.videos.splits, return_counts=True)
    splits = {name.decode(): int(count) for name, count in zip(names, counts_of, strict=True) if name}
    return CollectionOverview(
        dataset=facts.dataset,
        num_videos=facts.num_videos,
        total_s=float(collection.videos.durations_s.sum()),
        longest_s=facts.longest_s,
        splits=splits,
        trained=facts.is_trained,
        text=facts.text,
        experts=tuple(experts),
        left_out=told.left_out if told else (),
        missing=told.missing if told else (),
        tells_why=told is not None,
    )
