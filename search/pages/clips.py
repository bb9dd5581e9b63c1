"""Cuts a clip out of a video, to be kept: as it is encoded where that can be, from the key frame before it on."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Query, Response

from pipeline.errors import DecodeError, RemoteError
from pipeline.media.container import open_container, pick_audio, pick_video
from pipeline.media.timeline import start_s
from search.collection import Collection
from search.pages.files import file_of
from search.pages.media_workers import CLIPS
from search.pages.playback_segments import Segment

LONGEST_S = 60.0
MOST_BYTES = 64 << 20
"""Of a clip that is copied; a larger one is encoded anew, smaller."""
LONGEST_LEAD_S = 15.0
"""A clip is encoded anew where the key frame before it is further away."""

_VIDEOS = {"h264", "hevc", "av1", "vp9", "mpeg4"}
_SOUNDS = {"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"}


class _NotCopiedError(Exception):
    """Why a clip has to be encoded anew."""


@dataclass(frozen=True)
class Clip:
    """A job: a clip of the video in `path`."""

    path: Path
    from_s: float
    to_s: float

    def __call__(self) -> bytes:
        """The clip as MP4; DecodeError where nothing of it can be decoded."""
        try:
            return self._copied()
        except (_NotCopiedError, OSError, ValueError, MemoryError):  # FFmpeg's errors are of these types
            return Segment(self.path, self.from_s, self.to_s, (), is_own=True)()

    def _copied(self) -> bytes:
        """The packets of the clip, from the key frame before it on."""
        import av

        file = io.BytesIO()
        with open_container(self.path) as source:
            streams = _streams(source)
            zero_s = start_s(source)
            source.seek(int((self.from_s + zero_s) * 1e6), backward=True)
            with av.open(file, "w", format="mp4") as output:
                copies = {stream.index: output.add_stream_from_template(stream) for stream in streams}
                for packet in self._wanted(source, streams, zero_s):
                    packet.stream = copies[packet.stream_index]
                    output.mux(packet)
                    if file.tell() > MOST_BYTES:
                        raise _NotCopiedError("too large")
        return file.getvalue()

    def _wanted(self, source: Any, streams: list[Any], zero_s: float) -> Iterator[Any]:
        """The packets, whose times begin at 0."""
        first_s: float | None = None
        ended: set[int] = set()
        for packet in (one for one in source.demux(*streams) if one.size):
            if packet.pts is None or packet.dts is None:
                raise _NotCopiedError("packets without a time")
            index, tick_s = packet.stream_index, packet.time_base
            at_s = float(packet.pts * tick_s) - zero_s
            if first_s is None and index == streams[0].index:
                first_s = self._checked(packet, at_s)
            if float(packet.dts * tick_s) - zero_s >= self.to_s:
                ended.add(index)
            if len(ended) == len(streams):
                break
            # Sound that is packed before the first picture is of the time before it.
            if first_s is not None and index not in ended and at_s >= first_s - 0.05:
                shift = round((first_s + zero_s) / tick_s)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                yield packet
        if first_s is None:
            raise _NotCopiedError("no picture")

    def _checked(self, packet: Any, at_s: float) -> float:
        """The time of the first packet of the picture, where a clip can begin with it."""
        if not packet.is_keyframe or not self.from_s - LONGEST_LEAD_S <= at_s <= self.from_s + 1e-3:
            raise _NotCopiedError("no key frame near before it")
        return at_s


def _streams(source: Any) -> list[Any]:
    """The picture and the sound; _NotCopiedError where an MP4 does not hold them as they are."""
    video, audio = pick_video(source), pick_audio(source)
    if video is None or video.codec_context.codec.canonical_name not in _VIDEOS:
        raise _NotCopiedError("the codec of the picture")
    if audio is not None and audio.codec_context.codec.canonical_name not in _SOUNDS:
        raise _NotCopiedError("the codec of the sound")
    if source.format.name in {"avi", "mpegts", "mpeg", "flv"} or not video.codec_context.extradata:
        raise _NotCopiedError("packets of another form than an MP4 holds")
    return [video] if audio is None else [video, audio]


def add_clips(app: FastAPI, collection: Collection) -> None:
    """Adds /media/KEY/clip."""

    @app.get("/media/{key}/clip", tags=["files"], response_class=Response)
    def clip(key: str, from_s: Annotated[float, Query(ge=0)], to_s: Annotated[float, Query(gt=0)]) -> Response:
        """Some seconds of a video, as an MP4 to keep: at most 60; not encoded anew where that can be."""
        entry, path = file_of(collection, key)
        from_s, to_s = max(0.0, from_s), min(to_s, entry.duration_s)
        if not from_s < to_s or to_s - from_s > LONGEST_S:
            raise HTTPException(422, f"A clip begins before the end of the video, and is at most {LONGEST_S:g} s long")
        try:
            content = CLIPS.run(Clip(path, from_s + entry.start_s, to_s + entry.start_s))
        except (DecodeError, RemoteError) as error:
            raise HTTPException(404, "These seconds of the video cannot be cut out") from error
        name = f"{Path(entry.file).stem} {from_s + entry.start_s:.1f}-{to_s + entry.start_s:.1f} s.mp4"
        return Response(content, media_type="video/mp4", headers={"Content-Disposition": attachment(name)})


def attachment(name: str) -> str:
    """The header that lets a browser save an answer under `name` (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name.replace('/', '_'), safe='')}"
