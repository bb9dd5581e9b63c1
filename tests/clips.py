"""Generates small video clips with PyAV whose frames, audio and subtitles are known."""

import heapq
import io
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TICKS = Fraction(1, 12800)
"""Time base of the video stream, in which frames at 25, 12.5, 10, 8 and 5 fps fall on whole ticks."""

NUM_BITS = 10
TONE_HZ = 440
AUDIO_HZ = 44100

Picture = Callable[[int], np.ndarray]


def numbered(index: int, size: tuple[int, int] = (160, 120)) -> np.ndarray:
    """A frame (H, W, 3) uint8 with `index` in binary as black and white blocks on the left, beside a moving square."""
    width, height = size
    picture = np.full((height, width, 3), (60, 90, 140), np.uint8)
    for bit in range(NUM_BITS):
        rows = slice(bit * height // NUM_BITS, (bit + 1) * height // NUM_BITS)
        picture[rows, : width // 4] = 255 if index >> bit & 1 else 0
    side = height // 4
    left = width // 3 + (index * 3) % (width - width // 3 - side)
    picture[height // 2 : height // 2 + side, left : left + side] = (230, 60, 30)
    return picture


def number_in(picture: np.ndarray) -> int:
    """The index that `numbered` encoded in a frame."""
    height, width = picture.shape[:2]
    rows = [round((bit + 0.5) * height / NUM_BITS) for bit in range(NUM_BITS)]
    return sum(int(picture[row, width // 8].mean() > 127) << bit for bit, row in enumerate(rows))


def tone(seconds: float, hz: float = TONE_HZ, rate_hz: int = AUDIO_HZ) -> np.ndarray:
    """A sine wave at half of full scale, (S,) float32."""
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def make_clip(
    path: Path,
    *,
    size: tuple[int, int] = (160, 120),
    fps: float = 25,
    seconds: float = 2.0,
    picture: Picture | None = None,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    sound: np.ndarray | str | None = "tone",
    sound_from_s: float = 0.0,
    sound_codec: str = "",
    subtitles: Sequence[tuple[str, float, float]] = (),
    rotation: int = 0,
    cover: bool = False,
    pixels: str = "",
    pixel_aspect: Fraction | None = None,
    encoder: dict[str, str] | None = None,
    gop: int = 12,
    options: dict[str, str] | None = None,
) -> Path:
    """Writes a clip to `path`, whose suffix decides the container; returns `path`.

    The frames are `picture(0)`, `picture(1)` ... at k / fps, or at `times_s`; with `codec` "" there is no video stream.
    `sound` is "tone", "silence", None (no audio stream), or samples (S,) or (S, 2) at AUDIO_HZ. `options` are those of
    the container, `encoder` those of the codec. A picture of four channels is RGBA.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(f"file:{path}", "w", options=options or {}) as container:
        settings = (codec, size, fps, pixels, gop)
        video = _video_stream(container, *settings, aspect=pixel_aspect, encoder=encoder) if codec else None
        samples = {"tone": tone(seconds), "silence": np.zeros(round(seconds * AUDIO_HZ), np.float32)}.get(
            sound if isinstance(sound, str) else "", sound
        )
        audio = _audio_stream(container, path, sound_codec, samples) if samples is not None else None
        text = _subtitle_file(subtitles) if subtitles else None
        text_stream = container.add_stream_from_template(text.streams.subtitles[0]) if text else None
        art = _cover_stream(container) if cover else None
        frames = _frames(video, fps, seconds, times_s, picture or (lambda index: numbered(index, size)))
        blocks = _blocks(samples, sound_from_s) if audio else iter(())
        # Interleaved by time, as in real files: readers of Matroska and MPEG-TS have trouble otherwise.
        for frame in heapq.merge(frames if video else iter(()), blocks, key=lambda frame: frame.pts * frame.time_base):
            container.mux((video if isinstance(frame, av.VideoFrame) else audio).encode(frame))
        for stream in filter(None, (video, audio)):
            container.mux(stream.encode())
        if text:
            for packet in text.demux(text.streams.subtitles[0]):
                if packet.pts is not None:
                    packet.stream = text_stream
                    container.mux(packet)
            text.close()
        if art:
            container.mux(art.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 200, np.uint8), format="rgb24")))
    if rotation:
        _rotate(path, rotation)
    return path


def write_srt(path: Path, cues: Sequence[tuple[str, float, float]], bom: bool = False) -> Path:
    """Writes an .srt file with the cues (text, start, end), and returns `path`."""
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + _srt(cues).encode())
    return path


def _video_stream(container, codec, size, fps, pixels, gop, *, aspect, encoder):
    stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
    stream.width, stream.height = size
    stream.pix_fmt = pixels or {"gif": "rgb8"}.get(codec, "yuv420p")
    if codec.startswith("lib"):  # the other encoders only support 1 / fps
        stream.codec_context.time_base = TICKS
        stream.time_base = TICKS
    if codec == "libx264":
        stream.options = {"preset": "ultrafast", "crf": "12", "bf": "2", "g": str(gop)}
    stream.options = {**stream.options, **(encoder or {})}
    if aspect:
        stream.codec_context.sample_aspect_ratio = aspect
    return stream


def _frames(stream, fps, seconds, times_s, picture):
    for index, time_s in enumerate(np.arange(round(seconds * fps)) / fps if times_s is None else times_s):
        clock = stream.codec_context.time_base or 1 / stream.codec_context.framerate
        pixels = picture(index)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgba" if pixels.shape[2] == 4 else "rgb24")
        frame.pts, frame.time_base = round(float(time_s) / clock), clock
        yield frame


def _audio_stream(container, path, codec, samples):
    default = {".webm": "libopus", ".wav": "pcm_s16le", ".mp3": "libmp3lame"}.get(path.suffix, "aac")
    codec = codec or default
    rate_hz = 48000 if codec == "libopus" else AUDIO_HZ
    return container.add_stream(codec, rate=rate_hz, layout="stereo" if samples.ndim == 2 else "mono")


def _blocks(samples, from_s):
    planar = np.ascontiguousarray(np.atleast_2d(samples.T), np.float32)
    block = 1024
    layout = "stereo" if samples.ndim == 2 else "mono"
    for first in range(0, planar.shape[1], block):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(planar[:, first : first + block]), format="fltp", layout=layout
        )
        frame.sample_rate, frame.time_base = AUDIO_HZ, Fraction(1, AUDIO_HZ)
        frame.pts = first + round(from_s * AUDIO_HZ)
        yield frame


def _cover_stream(container):
    stream = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    return stream


def _subtitle_file(cues):
    return av.open(io.BytesIO(_srt(cues).encode()), format="srt")


def _srt(cues):
    return "".join(
        f"{number}\n{_clock(start_s)} --> {_clock(end_s)}\n{text}\n\n"
        for number, (text, start_s, end_s) in enumerate(cues, 1)
    )


def _clock(time_s):
    total_ms = round(time_s * 1000)
    return f"{total_ms // 3600000:02}:{total_ms // 60000 % 60:02}:{total_ms // 1000 % 60:02},{total_ms % 1000:03}"


def _rotate(path, degrees):
    """Turns the picture, as phones do: players rotate it clockwise by `degrees`."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    set_display_matrix(path, cosine, sine, -sine, cosine)


def set_display_matrix(path: Path, a: float, b: float, c: float, d: float) -> Path:
    """Sets the display matrix of an .mp4's first track: players show (x, y) at (a x + c y, b x + d y)."""
    matrix = struct.pack(">9i", *(round(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0)), 1 << 30)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    assert data[at : at + 4] == struct.pack(">i", 1 << 16), "no unit matrix where tkhd should have one"
    data[at : at + 36] = matrix
    path.write_bytes(data)
    return path
