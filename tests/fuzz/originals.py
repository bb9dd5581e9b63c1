"""Whole files of the common containers and codecs, small, for the fuzz test to damage."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.clips import make_clip, numbered

SIZE_PX = (64, 48)
SECONDS = 1.6
CUES = [("Welcome to the harbor", 0.1, 0.6), ("Goodbye", 0.8, 1.5)]

MUTE = {"sound": None}
FIELDS = {"flags": "+ildct+ilme", "g": "6"}
MPEG_2 = {"codec": "mpeg2video", "sound_codec": "mp2"}

CLIPS: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "fast.mp4": {"options": {"movflags": "+faststart"}},
    "pieces.mp4": {"options": {"movflags": "+frag_keyframe+empty_moov"}},
    "hevc.mp4": {"codec": "libx265", "encoder": {"x265-params": "log-level=none"}},
    "cover.mp4": {"cover": True},
    "wide.mp4": {"pixel_aspect": Fraction(4, 3), "sound_codec": "libmp3lame"},
    "song.mp4": {"codec": ""},
    "turned.mov": {"codec": "mpeg4", "rotation": 90},
    "layers.mov": {"codec": "qtrle", "pixels": "argb", **MUTE},
    "phone.3gp": {"codec": "mpeg4"},
    "words.mkv": {"subtitles": CUES, "sound_codec": "flac"},
    "pcm.mkv": {"codec": "mpeg4", "sound_codec": "pcm_s16le"},
    "ten_bits.mkv": {"pixels": "yuv420p10le", "sound_codec": "libopus"},
    "eight.webm": {"codec": "libvpx"},
    "nine.webm": {"codec": "libvpx-vp9"},
    "clear.webm": {"codec": "libvpx-vp9", "pixels": "yuva420p", **MUTE},
    "cast.ts": {},
    "old_cast.ts": MPEG_2,
    "fields.ts": {"codec": "mpeg2video", "encoder": FIELDS, **MUTE},
    "disc.mpg": {"pixel_aspect": Fraction(16, 11), **MPEG_2},
    "early.mpg": {"codec": "mpeg1video", "sound_codec": "mp2"},
    "divx.avi": {"codec": "mpeg4", "sound_codec": "libmp3lame"},
    "camera.avi": {"codec": "mjpeg", "pixels": "yuvj420p", "sound_codec": "pcm_s16le"},
    "raw.avi": {"codec": "rawvideo", "fps": 5, **MUTE},
    "tube.flv": {},
    "old_tube.flv": {"codec": "flv", "sound_codec": "libmp3lame"},
    "moving.gif": {"codec": "gif", "fps": 10, **MUTE},
    "window.wmv": {"codec": "wmv2", "sound_codec": "libmp3lame"},
    "tape.dv": {"codec": "dvvideo", "size": (720, 576), "seconds": 0.2, **MUTE},
    "bare.h264": MUTE,
    "bare.y4m": {"codec": "wrapped_avframe", "fps": 5, **MUTE},
    "nut.nut": {"codec": "mpeg4", "sound_codec": "pcm_s16le"},
    "talk.ogv": {"codec": "", "sound_codec": "libopus"},
    "movie.ogv": {"codec": "libvpx", "sound_codec": "flac"},
}
"""Name -> arguments of `make_clip`."""


def make_originals(folder: Path) -> dict[str, bytes]:
    """Name -> bytes of each of CLIPS; `folder` is where they are written."""
    made = {}
    for name, how in CLIPS.items():
        size = how.get("size", SIZE_PX)
        settings = {"size": size, "seconds": SECONDS, "picture": lambda index, size=size: numbered(index, size)} | how
        made[name] = make_clip(folder / name, **settings).read_bytes()
    return made
