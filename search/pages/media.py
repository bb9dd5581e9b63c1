"""Routes of the files of a collection: a video as it is, and pictures of it."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse

from pipeline.errors import DecodeError, RemoteError
from search.collection import Collection
from search.pages.files import UNPLAYABLE, file_of
from search.pages.posters import poster
from search.pages.remote_media import media_response


def add_media(app: FastAPI, collection: Collection) -> None:
    """Adds /media/KEY and /posters/KEY."""

    @lru_cache(maxsize=512)
    def picture(path: Path, at_s: float) -> bytes:
        return poster(path, at_s)

    @app.get("/media/{key}", tags=["files"], response_class=FileResponse)
    def media(key: str, request: Request) -> Response:
        """The file of a video; ranges of it can be asked for."""
        return media_response(file_of(collection, key)[1], request.headers.get("range", ""))

    @app.get("/posters/{key}", tags=["files"], response_class=Response)
    def still(key: str, at_s: Annotated[float, Query(ge=0)] = 0.0) -> Response:
        """A JPEG of what is shown at a second of a video."""
        entry, path = file_of(collection, key)
        try:
            jpeg = picture(path, round(min(at_s, entry.duration_s), 1))
            return Response(jpeg, media_type="image/jpeg")
        except (DecodeError, RemoteError) as error:
            raise HTTPException(404, UNPLAYABLE) from error
