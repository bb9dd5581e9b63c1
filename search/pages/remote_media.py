"""Answers for the player: ranges of a video that lies elsewhere, passed on block by block, never where it lies."""

import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path

from fastapi import HTTPException, Response
from fastapi.responses import FileResponse, StreamingResponse

from pipeline.errors import RemoteError
from pipeline.remote_files.files import open_binary, size_of, small_on_disk

PIECE_BYTES = 1 << 18
HEADERS = {"Cache-Control": "no-cache"}

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def media_response(path: Path, asked: str) -> Response:
    """The file at `path`, or the range of it that the header Range names; 502 where its server does not send it.

    What lies here or is small is sent as a file, whose ranges FastAPI knows.
    """
    try:
        near = small_on_disk(path)
        if near is not None:
            return FileResponse(near, media_type=_kind(path), headers=HEADERS)
        return _ranged(path, size_of(path), asked)
    except (RemoteError, FileNotFoundError) as error:
        raise HTTPException(502, "The server that holds this video does not send it") from error


def _ranged(path: Path, size: int, asked: str) -> Response:
    found = _RANGE.fullmatch(asked.strip())
    if not found or found.groups() == ("", ""):  # several ranges may be answered by all of the file (RFC 9110, 14.2)
        span = range(size)
    elif not found[1]:
        span = range(max(0, size - int(found[2])), size)
    else:
        span = range(int(found[1]), min(int(found[2]) + 1, size) if found[2] else size)
    headers = HEADERS | {"Accept-Ranges": "bytes"}
    if not span:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    headers["Content-Length"] = str(len(span))
    if len(span) < size:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    status = 206 if len(span) < size else 200
    return StreamingResponse(_pieces(path, span), status, headers, media_type=_kind(path))


def _pieces(path: Path, span: range) -> Iterator[bytes]:
    with open_binary(path) as file:
        file.seek(span.start)
        for start in range(span.start, span.stop, PIECE_BYTES):
            yield file.read(min(PIECE_BYTES, span.stop - start))


def _kind(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
