"""Encodes a demo video as an mp4: H.264, AAC, and a subtitle track unless the subtitle is a separate file."""

import io
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.context import CodecContext, Flags
from av.container import OutputContainer
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.demo.draw import frames
from pipeline.demo.ground_truth import Facts
from pipeline.demo.scenes import Pixels
from pipeline.demo.sounds import SAMPLE_RATE_HZ, sound

X264 = {"preset": "veryfast", "x264-params": "cpu-independent=1"}
"""Without cpu-independent, x264's output varies a little with the machine and the addresses of its buffers."""
AAC = {"aac_coder": "fast"}
"""Half the time of the default; the loss in quality does not matter here."""

SUBTITLE_PAUSE_S = Fraction(3, 10)
"""Time without a subtitle at the start and at the end of the video."""

# The mov_text encoder takes its text style from this header, and cannot be opened without one.
SUBTITLE_HEADER = b"""[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Sans,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0
"""


def encode(facts: Facts, width_px: int, height_px: int, fps: int) -> bytes:
    """The bytes of the mp4, deterministic: nothing in it depends on the clock or on the order of threads."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=fps, options={**X264, "g": str(2 * fps)})
        video.width, video.height, video.pix_fmt = width_px, height_px, "yuv420p"
        _make_deterministic(video.codec_context)
        audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono", options=AAC) if facts.sound else None
        if audio:
            _make_deterministic(audio.codec_context)
        text = container.add_stream("mov_text") if facts.subtitle and facts.subtitle_embedded else None
        if text:
            text.codec_context.subtitle_header = SUBTITLE_HEADER
        container.start_encoding()
        if text:
            _mux_subtitle(container, text, facts)
        if audio:
            _mux_audio(container, audio, sound(facts.sound or "", facts.duration_s, facts.key))
        _mux_video(container, video, frames(facts, width_px, height_px, fps))
    return file.getvalue()


def srt(facts: Facts) -> str:
    """The content of an .srt file with the subtitle."""
    times = (_clock(time_s) for time_s in _subtitle_times_s(facts))
    return f"1\n{' --> '.join(times)}\n{facts.subtitle}\n"


def _make_deterministic(codec: CodecContext) -> None:
    codec.thread_count = 1
    codec.flags |= Flags.bitexact


def _mux_video(container: OutputContainer, stream: VideoStream, pictures: Iterable[Pixels]) -> None:
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = index
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _mux_audio(container: OutputContainer, stream: AudioStream, samples: NDArray[np.float32]) -> None:
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate = SAMPLE_RATE_HZ
    frame.pts = 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _mux_subtitle(container: OutputContainer, stream: SubtitleStream, facts: Facts) -> None:
    text = (facts.subtitle or "").encode()
    start_ms, end_ms = (round(time_s * 1000) for time_s in _subtitle_times_s(facts))
    # A mov_text packet is the length of the text in two bytes, followed by the text.
    packet = av.Packet(len(text).to_bytes(2, "big") + text)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = start_ms
    packet.duration = end_ms - start_ms
    container.mux(packet)


def _subtitle_times_s(facts: Facts) -> tuple[Fraction, Fraction]:
    return SUBTITLE_PAUSE_S, Fraction(facts.duration_s).limit_denominator(100) - SUBTITLE_PAUSE_S


def _clock(time_s: Fraction) -> str:
    """The time in the format of .srt files: 00:00:01,250."""
    minutes, milliseconds = divmod(round(time_s * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d},{milliseconds % 1000:03d}"
