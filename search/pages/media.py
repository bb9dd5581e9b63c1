"""Routes of the files of a collection: a video as it is, and pictures of it."""

from math import inf
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse

from pipeline.errors import DecodeError, RemoteError
from pipeline.remote_files.files import version_of
from search.collection import Collection
from search.pages.files import UNPLAYABLE, file_of
from search.pages.kept import Kept
from search.pages.media_workers import PICTURES
from search.pages.posters import Telling
from search.pages.remote_media import media_response

KEPT_BYTES = 32 << 20
"""Of pictures that were taken last; a page of hits takes about 1 MB."""


def add_media(app: FastAPI, collection: Collection) -> None:
    """Adds /media/KEY and /posters/KEY."""
    kept = Kept(KEPT_BYTES)

    @app.get("/media/{key}", tags=["files"], response_class=FileResponse)
    def media(key: str, request: Request) -> Response:
        """The file of a video, of a clip all of it; ranges of it can be asked for."""
        return media_response(file_of(collection, key)[1], request.headers.get("range", ""))

    @app.get("/posters/{key}", tags=["files"], response_class=Response)
    def still(key: str, at_s: Annotated[float, Query(ge=0)] = 0.0) -> Response:
        """A JPEG of the most telling picture around a second of a video; without a second, of its beginning."""
        entry, path = file_of(collection, key)
        second = round(min(at_s, entry.duration_s), 1)
        within_s = (entry.start_s, entry.end_s) if entry.clip_of else (0.0, inf)
        job = Telling(path, entry.start_s + second, within_s=within_s)
        try:
            jpeg = kept.get((version_of(path), job.at_s, within_s), lambda: PICTURES.run(job))
        except (DecodeError, RemoteError, FileNotFoundError) as error:
            raise HTTPException(404, UNPLAYABLE) from error
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})
