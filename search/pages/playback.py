"""Routes of the player: a file as it is where browsers play it, or else converted piece by piece."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Annotated

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse

from pipeline.errors import DecodeError, RemoteError
from pipeline.remote_files.files import version_of
from search.collection import Collection
from search.pages.files import UNPLAYABLE, file_of
from search.pages.kept import Kept
from search.pages.media_workers import CLIPS
from search.pages.playback_facts import SEGMENT_S, Look, Playback
from search.pages.playback_segments import Segment
from search.pages.remote_media import media_response

KEPT_BYTES = 64 << 20
MOST_LOOKS = 4096
FAULTS = (DecodeError, RemoteError, FileNotFoundError)


class Player:
    """How the videos of a collection are played."""

    def __init__(self, collection: Collection) -> None:
        self._collection, self._kept = collection, Kept(KEPT_BYTES)
        self._looks: OrderedDict[Hashable, Playback] = OrderedDict()
        self._lock = threading.Lock()

    def look(self, key: str) -> Playback:
        """How a video is played; HTTPException 404 where it has no file, or one that cannot be read."""
        entry, path = file_of(self._collection, key)
        try:
            version = version_of(path), entry.end_s
            told = self._looks.get(version) or CLIPS.run(Look(path, entry.end_s))
        except FAULTS as error:
            raise HTTPException(404, UNPLAYABLE) from error
        with self._lock:
            self._looks[version] = told
            while len(self._looks) > MOST_LOOKS:
                self._looks.popitem(last=False)
        return told

    def file(self, key: str, asked: str) -> Response:
        """The file, or the range of it that is asked for; HTTPException 415 where browsers do not play it."""
        told = self.look(key)
        if not told.as_it_is:
            raise HTTPException(415, f"Browsers do not play {told.why}; it is converted under segments/0 and so on")
        return media_response(file_of(self._collection, key)[1], asked)

    def segment(self, key: str, number: int) -> bytes:
        """A segment, which counts from the beginning of the file; HTTPException 404 where there is none."""
        entry, path = file_of(self._collection, key)
        from_s = float(number * SEGMENT_S)
        if from_s >= entry.end_s or from_s + SEGMENT_S <= entry.start_s:
            raise HTTPException(404, "The video ends before, or the clip begins later")
        job = Segment(path, from_s, min(from_s + SEGMENT_S, entry.end_s))
        try:
            return self._kept.get((version_of(path), number, job.to_s), lambda: CLIPS.run(job))
        except FAULTS as error:
            raise HTTPException(404, "These seconds of the video cannot be converted") from error


def add_playback(app: FastAPI, collection: Collection) -> None:
    """Adds /media/KEY/play, /media/KEY/playback and /media/KEY/segments/NUMBER."""
    player = Player(collection)

    @app.get("/media/{key}/playback", tags=["files"])
    def playback(key: str) -> Playback:
        """Whether browsers play the file of a video as it is, and what they are sent where they do not."""
        return player.look(key)

    @app.get("/media/{key}/play", tags=["files"], response_class=FileResponse)
    def play(key: str, request: Request) -> Response:
        """The file of a video where browsers play it; 415 where it comes in segments instead."""
        return player.file(key, request.headers.get("range", ""))

    @app.get("/media/{key}/segments/{number}", tags=["files"], response_class=Response)
    def segment(key: str, number: Annotated[int, PathParameter(ge=0, le=1_000_000)]) -> Response:
        """Seconds of a video as fragmented MP4, H.264 and AAC, at most 1280x720; segments follow without a gap."""
        headers = {"Cache-Control": "private, max-age=600"}
        return Response(player.segment(key, number), media_type="video/mp4", headers=headers)
