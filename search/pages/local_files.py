"""Where a video lies, and its folder opened in the file manager: for the person at this machine and nobody else."""

import ipaddress
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request

from pipeline.remote_files.files import facts_of, place_of
from search.collection import Collection
from search.pages.files import file_of

WRITING = "X-Expert-Retrieval"
"""Header of each request that does more than read; a page of another site cannot send it unasked."""
OPENERS = {"darwin": "open", "win32": "explorer"}
REFUSED = "Only the person at the machine of the server can do this"


@dataclass(frozen=True)
class LocalRights:
    """What the person at the machine of the server may do in the browser."""

    is_local: bool = False
    """Whether the server answers this machine only."""
    may_open: bool = False
    """Whether it may start the file manager."""

    def of(self, request: Request) -> "LocalRights":
        """The rights of whoever sends the request: none from another machine, or through a proxy."""
        host = request.client.host if request.client else ""
        # A proxy on this machine speaks for others: their addresses are in these headers, or nowhere.
        through = {"forwarded", "x-forwarded-for", "x-real-ip", "via"} & {name.lower() for name in request.headers}
        return self if self.is_local and _is_loopback(host) and not through else NO_RIGHTS


NO_RIGHTS = LocalRights()


@dataclass(frozen=True)
class Place:
    """Where a video lies."""

    path: str
    """The path of its file, or its address; the id for who is at another machine."""


def add_local_files(app: FastAPI, collection: Collection, rights: LocalRights) -> None:
    """Adds /api/rights, /api/videos/KEY/place and /api/videos/KEY/open."""

    @app.get("/api/rights", tags=["collection"])
    def own_rights(request: Request) -> LocalRights:
        """What whoever asks may do on the machine of the server."""
        return rights.of(request)

    @app.get("/api/videos/{key}/place", tags=["collection"])
    def place(key: str, request: Request) -> Place:
        """Where a video lies: its path for the person at this machine, its id for all others."""
        entry = collection.entry(key)
        is_local = rights.of(request).is_local
        return Place(place_of(collection.path(entry).absolute()) if is_local else entry.video_id)

    @app.post("/api/videos/{key}/open", tags=["collection"], status_code=204)
    def open_folder(key: str, request: Request) -> None:
        """Opens the folder of a video in the file manager, on this machine only."""
        if request.headers.get(WRITING) != "1" or not rights.of(request).may_open:
            raise HTTPException(403, REFUSED)
        path = file_of(collection, key)[1].absolute()
        if facts_of(path) is not None:
            raise HTTPException(409, "This video does not lie on this machine")
        show_folder(path.parent)


def show_folder(folder: Path) -> None:
    """Opens a folder in the file manager; HTTPException 409 where there is none."""
    program = OPENERS.get(sys.platform, "xdg-open")
    nowhere = subprocess.DEVNULL
    try:
        opened = subprocess.Popen(
            [program, str(folder)], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True, cwd="/"
        )
    except OSError as error:
        raise HTTPException(409, f"There is no file manager here: {program} cannot be started") from error
    threading.Thread(target=opened.wait, daemon=True).start()  # it may stay open for hours


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
