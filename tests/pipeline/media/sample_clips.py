"""Kinds of clips that occur in collections, and what is expected of reading them."""

import av
import numpy as np

from pipeline.media.video import frames_at, probe
from tests.clips import number_in

VFR = [*np.arange(5) / 5, *(1 + np.arange(25) / 25)]
"""One second of 5 frames, one of 25."""


KINDS = {
    "h264.mp4": {},
    "h264.mkv": {},
    "h264.mov": {"sound": None},
    "h264.ts": {},
    "hevc.mp4": {"codec": "libx265", "seconds": 0.4, "sound": None},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "av1.mp4": {"codec": "libsvtav1", "sound": None},
    "mpeg4.avi": {"codec": "mpeg4"},
    "picture.gif": {"codec": "gif", "sound": None},
    "vfr.mp4": {"times_s": VFR},
    "odd_size.mkv": {"size": (162, 122), "codec": "mpeg4"},
    "cover.mp4": {"cover": True},
    "one_frame.mp4": {"seconds": 0.04, "sound": None},
    "fragments.mp4": {"options": {"movflags": "frag_keyframe+empty_moov"}},
}


def numbers(path, times_s):
    """Index of the time -> number of the frame shown then (see tests.clips.numbered)."""
    return {index: number_in(picture) for index, picture in frames_at(path, np.array(times_s), probe(path))}


def decoded_in_order(path):
    """All frames as PyAV decodes them without a seek, as a second source."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
