"""Writes files whose sound has any rate, layout, sample format and timestamps, or changes in mid-stream."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_sound(
    path: Path,
    channels: np.ndarray,
    *,
    rate_hz: int = 48000,
    layout: str = "mono",
    codec: str = "pcm_s16le",
    sample_format: str = "",
    pieces_s: Sequence[tuple[float, float, float]] = (),
    picture_s: float = 0.0,
    offset_s: float = 0.0,
    name: str = "",
) -> Path:
    """Writes `channels` (C, S) float to `path`, whose suffix decides the container; returns `path`.

    `pieces_s` are (at, from, to): the samples of from to to are those of the time `at` on; without any, all are at 0.
    `picture_s`: length of a black picture with a white flash in its second half. `offset_s` is added to all times.
    """
    with av.open(f"file:{path}", "w", format=name or None) as container:
        # In an .avi the times of H.264 frames are the decoder's guess.
        video = _picture_stream(container, "mpeg4" if path.suffix == ".avi" else "libx264") if picture_s else None
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        stream.time_base = Fraction(1, rate_hz)
        if sample_format:
            stream.format = sample_format
        frames = [*_flash(picture_s, offset_s), *_blocks(channels, rate_hz, layout, pieces_s, offset_s)]
        for frame in sorted(frames, key=lambda frame: frame.pts * frame.time_base):
            container.mux((video if isinstance(frame, av.VideoFrame) else stream).encode(frame))
        for used in filter(None, (video, stream)):
            container.mux(used.encode())
    return path


def write_streams(path: Path, sounds: Sequence[np.ndarray], default: int, codecs: Sequence[str] = ()) -> Path:
    """Writes each of the sounds (S,), of 48 kHz, as a stream of its own; `default` is the index of the default one."""
    with av.open(f"file:{path}", "w") as container:
        streams = [container.add_stream(codec, rate=48000, layout="mono") for codec in codecs or ["flac"] * len(sounds)]
        streams[default].disposition = av.stream.Disposition.default
        for stream, sound in zip(streams, sounds, strict=True):
            stream.time_base = Fraction(1, 48000)
            for frame in _blocks(sound[None], 48000, "mono", (), 0.0):
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


def join(path: Path, parts: Sequence[Path]) -> Path:
    """Writes the bytes of `parts` one after the other, as recorders do."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def _picture_stream(container, codec):
    stream = container.add_stream(codec, rate=25)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    stream.options = {"g": "25", "bf": "0"} | ({"preset": "ultrafast"} if codec == "libx264" else {})
    return stream


def _flash(seconds, offset_s):
    for index in range(round(seconds * 25)):
        level = 255 if index >= seconds * 12.5 else 0
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
        frame.time_base, frame.pts = Fraction(1, 25), index + round(offset_s * 25)
        yield frame


def _blocks(channels, rate_hz, layout, pieces_s, offset_s):
    for at_s, from_s, to_s in pieces_s or [(0.0, 0.0, channels.shape[1] / rate_hz)]:
        first, last = round(from_s * rate_hz), round(to_s * rate_hz)
        for begin in range(first, last, 960):
            packed = np.ascontiguousarray(channels[:, begin : min(begin + 960, last)].T.reshape(1, -1), np.float32)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
            frame.pts = round((at_s + offset_s) * rate_hz) + begin - first
            yield frame
