"""The web application: the search page and the JSON API of one collection.

Requests name videos by key; no path is ever taken from a request.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from pipeline.errors import ConfigError, DecodeError, PipelineError, RemoteError, StoreError
from search.collection import Collection
from search.filters import UnknownNameError
from search.index.videos import Entry
from search.pages import api
from search.pages.posters import poster
from search.pages.question import LONGEST_QUERY, QueryOptions
from search.pages.remote_media import media_response

STATIC = Path(__file__).with_name("static")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
UNPLAYABLE = "This video has no file that can be played"
GONE = "The index cannot be read any more. Run BuildIndex again, then start this server again."


def create_app(collection: Collection, hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")) -> FastAPI:
    """The application; it only answers requests to one of `hosts`, which keeps pages of other sites from reading it."""
    app = FastAPI(title=f"Search {collection.facts.dataset}", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    _add_guards(app)
    _add_api(app, collection)
    _add_media(app, collection)
    _add_pages(app)
    return app


def _add_guards(app: FastAPI) -> None:
    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    @app.exception_handler(PipelineError)
    async def client_errors(request: Request, error: PipelineError) -> JSONResponse:
        status = 422 if isinstance(error, UnknownNameError) else 404 if isinstance(error, ConfigError) else 409
        return JSONResponse({"detail": str(error)}, status)

    @app.exception_handler(StoreError)
    @app.exception_handler(FileNotFoundError)
    async def index_gone(request: Request, error: OSError) -> JSONResponse:
        logging.getLogger("uvicorn.error").error("%s", error)  # paths go to the log of the server, not to its clients
        return JSONResponse({"detail": GONE}, 503)


def _add_api(app: FastAPI, collection: Collection) -> None:
    @app.get("/api/collection", tags=["collection"])
    def the_collection() -> api.CollectionFacts:
        """What there is to search in."""
        return api.collection_facts(collection)

    @app.get("/api/labels", tags=["collection"])
    def labels() -> list[api.LabelFacts]:
        """What classifiers saw or heard in the most videos, and in how many; empty where no expert keeps labels."""
        return api.label_facts(collection)

    @app.get("/api/search", tags=["search"])
    def search(
        q: Annotated[str, Query(max_length=LONGEST_QUERY, description="What to look for, in words")],
        options: QueryOptions,
    ) -> api.FoundVideos:
        """The videos that fit a query best; none, and the reason, when nothing is a good match."""
        return api.found_videos(collection.search(q, options=options))

    @app.get("/api/similar/{key}", tags=["search"])
    def similar(key: str, options: QueryOptions) -> api.FoundVideos:
        """The videos most like one."""
        return api.found_videos(collection.similar(key, options=options))

    @app.get("/api/videos/{key}", tags=["collection"])
    def video(key: str) -> api.VideoFacts:
        """Everything known of one video."""
        return api.video_facts(collection, key)


def _add_media(app: FastAPI, collection: Collection) -> None:
    def playable(key: str) -> Entry:
        entry = collection.entry(key)
        if not entry.playable or not collection.path(entry).is_file():
            raise HTTPException(404, UNPLAYABLE)
        return entry

    @lru_cache(maxsize=512)
    def picture(path: Path, at_s: float) -> bytes:
        return poster(path, at_s)

    @app.get("/media/{key}", tags=["files"], response_class=FileResponse)
    def media(key: str, request: Request) -> Response:
        """The file of a video; ranges of it can be asked for."""
        return media_response(collection.path(playable(key)), request.headers.get("range", ""))

    @app.get("/posters/{key}", tags=["files"], response_class=Response)
    def still(key: str, at_s: Annotated[float, Query(ge=0)] = 0.0) -> Response:
        """A JPEG of what is shown at a second of a video."""
        entry = playable(key)
        try:
            jpeg = picture(collection.path(entry), round(min(at_s, entry.duration_s), 1))
            return Response(jpeg, media_type="image/jpeg")
        except (DecodeError, RemoteError) as error:
            raise HTTPException(404, UNPLAYABLE) from error


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
