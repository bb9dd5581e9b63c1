"""Several collections in one server, each as its index is now: a new index is served without a restart."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.errors import PipelineError
from pipeline.project import Project
from search.collection import Collection
from search.index import folder
from search.pages.app import create_app
from search.pages.collection_page import MOUNT, Served
from search.pages.local_files import LocalRights

__all__ = ["MOUNT", "Live", "live", "several"]

CHECK_S = 2.0
"""How often is looked whether there is a new index."""
AGAIN_S = 30.0
"""How long is waited before one that cannot be opened is tried again."""


def live(
    place: Project, dataset: str, siblings: tuple[str, ...], hosts: tuple[str, ...], rights: LocalRights
) -> "Live":
    """The app of a dataset of a project; PipelineError where it has no index, or one that cannot be opened."""

    def make() -> FastAPI:
        collection = Collection.of_project(place, dataset)
        app = create_app(collection, hosts, Served(rights, siblings, place.data / "cache" / "maps"))
        app.state.num_videos = collection.facts.num_videos
        # Not as a daemon: torch may abort the process where its thread is taken down with it.
        threading.Thread(target=_warm_up, args=(collection,)).start()
        return app

    return Live(lambda: folder.current(place.store / "index" / dataset), make, CHECK_S)


def _warm_up(collection: Collection) -> None:
    """Loads the networks that read a query, so that the first one need not wait; what is wrong it will tell."""
    with suppress(PipelineError, OSError):
        collection.search("a video")


class Live:
    """The app of a collection, replaced by another one when there is a new index.

    A request is answered to its end by the app with which it began, whose index stays open until then.
    """

    def __init__(self, current: Callable[[], Path | None], make: Callable[[], FastAPI], check_s: float) -> None:
        """`current`: the folder of the current index, looked up anew; `make`: opens it, PipelineError if it cannot."""
        self._current, self._make, self._check_s = current, make, check_s
        self._folder = current()
        self._app = make()
        self._next_s = time.monotonic() + check_s
        self._lock = asyncio.Lock()

    @property
    def num_videos(self) -> int:
        """Number of videos in the collection."""
        return int(self._app.state.num_videos)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request; the one that meets a new index waits until it is open, the others do not."""
        if scope["type"] == "http" and time.monotonic() >= self._next_s and not self._lock.locked():
            async with self._lock:
                wait_s = await run_in_threadpool(self._reload)
                self._next_s = time.monotonic() + wait_s
        await self._app(scope, receive, send)

    def _reload(self) -> float:
        """Opens the current index if it is another one; returns the seconds until the next look."""
        log = logging.getLogger("uvicorn.error")
        try:
            found = self._current()
            if found is not None and found != self._folder:
                self._app, self._folder = self._make(), found
        except (PipelineError, OSError) as error:
            log.warning("The new index cannot be opened, the one before it is served on: %s", error)
            return AGAIN_S
        return self._check_s


def several(collections: Mapping[str, ASGIApp]) -> Starlette:
    """One app of all collections by name: each below /c/NAME/, the first one also at the root."""

    async def with_slash(request: Request) -> Response:
        return RedirectResponse(f"{request.path_params['name']}/")

    mounts = [Mount(f"{MOUNT}{name}", app=app) for name, app in collections.items()]
    first = next(iter(collections.values()))
    return Starlette(routes=[*mounts, Route(MOUNT + "{name}", with_slash), Mount("/", app=first)])
