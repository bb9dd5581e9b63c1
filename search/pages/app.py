"""The web application: the search page and the JSON API of one collection.

Requests name videos by key; no path is ever taken from a request.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from pipeline.errors import ConfigError, PipelineError, StoreError
from search.collection import Collection
from search.filters import UnknownNameError
from search.pages import api
from search.pages.clips import add_clips
from search.pages.collection_page import ALONE, Served, add_collection_page
from search.pages.examples import add_examples
from search.pages.export import add_export
from search.pages.local_files import add_local_files
from search.pages.media import add_media
from search.pages.people import add_people
from search.pages.playback import add_playback
from search.pages.question import LONGEST_QUERY, QueryOptions

STATIC = Path(__file__).with_name("static")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
GONE = "The index cannot be read any more. Run BuildIndex again, then start this server again."


def create_app(
    collection: Collection,
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]"),
    served: Served = ALONE,
) -> FastAPI:
    """The application; it only answers requests to one of `hosts`, which keeps pages of other sites from reading it."""
    app = FastAPI(title=f"Search {collection.facts.dataset}", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    _add_guards(app)
    _add_api(app, collection)
    add_media(app, collection)
    add_playback(app, collection)
    add_clips(app, collection)
    add_export(app, collection)
    add_local_files(app, collection, served.rights)
    add_collection_page(app, collection, served)
    add_examples(app, collection)
    add_people(app, collection)
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


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/collection", include_in_schema=False)
    def collection_page() -> FileResponse:
        return FileResponse(STATIC / "collection.html")

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
