"""What a browser needs to play a file, by what is in it: whether it plays it as it is, or what is sent instead.

A name says little: an .mp4 may hold HEVC, an .avi H.264.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import DecodeError
from pipeline.media.container import open_container, pick_audio, pick_video

CONVERTED = 'video/mp4; codecs="avc1.4d401f{}"'
SOUND = ",mp4a.40.2"
SEGMENT_S = 4

# What all of Chromium, Firefox and Safari play; what one of them plays beyond that is converted all the same.
_PLAYED = {
    "mov,mp4,m4a,3gp,3g2,mj2": ({"h264", "av1", "vp9"}, {"aac", "mp3", "opus", "flac"}),
    "matroska,webm": ({"vp8", "vp9", "av1"}, {"opus", "vorbis"}),
}
_PIXELS = {"yuv420p", "yuvj420p", None}


@dataclass(frozen=True)
class Playback:
    """How a video is played."""

    as_it_is: bool
    """Whether browsers play the file; otherwise it is sent in segments, see /media/KEY/segment."""
    why: str
    """What browsers do not play, e.g. "mpeg4 in avi"; empty when they do."""
    kind: str
    """Media type with codecs of the segments."""
    segment_s: int
    """Length of a segment; they begin at its multiples."""
    duration_s: float
    """Of the segments together: of a clip they begin at its start and end with it, on the clock of its file."""


@dataclass(frozen=True)
class Look:
    """A job: looks into a file; no frame is decoded."""

    path: Path
    duration_s: float

    def __call__(self) -> Playback:
        """How it is played; DecodeError for what is no video."""
        with open_container(self.path) as container:
            video, audio = pick_video(container), pick_audio(container)
            if video is None:
                raise DecodeError(f"{self.path.name}: there is no picture in it")
            why = _why_not(container, video)
            kind = CONVERTED.format(SOUND if audio is not None else "")
        return Playback(not why, why, kind, SEGMENT_S, self.duration_s)


def _why_not(container: Any, video: Any) -> str:
    """What browsers do not play of a file; empty when they play it."""
    name = container.format.name
    codec = video.codec_context.name
    if name not in _PLAYED:
        return f"{codec} in {name}"
    videos, audios = _PLAYED[name]
    # By the codec and not by the decoder, whose name may be that of a library.
    codec = video.codec_context.codec.canonical_name
    if codec not in videos:
        return f"{codec} in {name}"
    if codec == "h264" and video.codec_context.pix_fmt not in _PIXELS:
        return f"{codec} with {video.codec_context.pix_fmt}"
    if container.metadata.get("major_brand", "").strip() == "qt":
        return "a QuickTime movie"
    # A player plays the first stream of sound, or one that the file prefers: all must be playable, or there is silence.
    sounds = [stream.codec_context for stream in container.streams.audio]
    odd = [sound.codec.canonical_name if sound else "unknown" for sound in sounds if not _is_in(sound, audios)]
    return f"{odd[0]} sound" if odd else ""


def _is_in(sound: Any, audios: set[str]) -> bool:
    return sound is not None and sound.codec.canonical_name in audios
