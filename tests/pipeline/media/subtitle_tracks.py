"""Generates video files with several subtitle tracks, whose codec, language, disposition and title are known."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.clips import tone

TEXT_FORMATS = {"subrip": "srt", "webvtt": "webvtt", "ass": "ass"}
ASS_HEADER = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Style: Default,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
MS = Fraction(1, 1000)


@dataclass(frozen=True)
class MadeTrack:
    """A subtitle track: (text as bytes of the packet, start, end) of each cue."""

    cues: Sequence[tuple[bytes, float, float]]
    codec: str = "subrip"
    language: str = ""
    disposition: int = 0
    title: str = ""


def track(text: str, **settings) -> MadeTrack:
    """A track with one cue, from 0.5 to 1.5 s."""
    return MadeTrack([(text.encode(), 0.5, 1.5)], **settings)


def make_tracked(path: Path, *tracks: MadeTrack, offset_s: float = 0.0) -> Path:
    """Writes two seconds of sound from `offset_s` on, with these tracks; the suffix of `path` decides the container."""
    with av.open(str(path), "w") as container:
        audio = container.add_stream("aac", rate=44100, layout="mono")
        streams = [_stream(container, made) for made in tracks]
        packets = []
        samples = tone(2.0)[None]
        for first in range(0, samples.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, first : first + 1024]), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.time_base = 44100, Fraction(1, 44100)
            frame.pts = first + round(offset_s * 44100)
            packets += audio.encode(frame)
        packets += audio.encode(None)
        for made, stream in zip(tracks, streams, strict=True):
            packets += [_packet(made, stream, number, cue, offset_s) for number, cue in enumerate(made.cues)]
        for packet in sorted(packets, key=lambda packet: packet.pts * packet.time_base):
            container.mux(packet)
    return path


def _stream(container, made):
    if made.codec == "mov_text":
        stream = container.add_stream("mov_text")
        stream.codec_context.subtitle_header = ASS_HEADER.encode()
    else:
        head = ASS_HEADER if made.codec == "ass" else "WEBVTT\n\n" if made.codec == "webvtt" else ""
        cue = "00:00:01.000 --> 00:00:02.000\nx\n\n" if made.codec != "ass" else ""
        with av.open(io.BytesIO((head + cue).encode()), format=TEXT_FORMATS[made.codec]) as source:
            stream = container.add_stream_from_template(source.streams.subtitles[0])
    stream.time_base = MS
    stream.disposition = av.stream.Disposition(made.disposition)
    stream.metadata.update({key: value for key, value in (("language", made.language), ("title", made.title)) if value})
    return stream


def _packet(made, stream, number, cue, offset_s):
    text, start_s, end_s = cue
    if made.codec == "mov_text":
        text = struct.pack(">H", len(text)) + text
    if made.codec == "ass":
        text = f"{number},0,Default,,0,0,0,,".encode() + text
    packet = av.Packet(text)
    packet.stream, packet.time_base = stream, MS
    packet.pts = packet.dts = round((start_s + offset_s) * 1000)
    packet.duration = round((end_s - start_s) * 1000)
    return packet
