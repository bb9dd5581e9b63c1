"""A probe: makes a tiny clip in each of the usual codecs, and decodes it, also with the second decoder."""

import io
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.doctor.probes import answer
from pipeline.errors import in_one_line

NUM_FRAMES = 4
SIZE = 128
GREY = 150
"""Of all pixels; a codec may change it by a few."""
TOLERANCE = 20
RATE = 48_000
LEAST_RMS, MOST_RMS = 0.4, 0.9
"""Of a sine of amplitude 1, whose root mean square is 0.71, with what a codec adds before and after it."""
NOT_TRIED = "not tried: there is no encoder to make a clip with"

VIDEO: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "ultrafast"}),
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    "av1": ("libsvtav1", {"preset": "10"}),
}
"""Codec -> encoder that makes the clip, its options."""
AUDIO = {"aac": "aac", "mp3": "libmp3lame", "opus": "libopus"}


def main() -> None:
    """Prints codec -> "" where it works, or what is wrong."""
    import av

    av.logging.set_level(av.logging.PANIC)
    told: dict[str, Any] = {codec: _tried(codec) for codec in (*VIDEO, *AUDIO)}
    libraries = {name: ".".join(map(str, numbers)) for name, numbers in av.library_versions.items()}
    answer({"codecs": told, "ffmpeg": getattr(av, "ffmpeg_version_info", ""), "libraries": libraries} | _second())


def _tried(codec: str) -> str:
    import av

    try:
        av.Codec(codec, "r")
    except Exception:  # of PyAV, whose kinds of errors are its own
        return "no decoder"
    try:
        clip = _video(codec) if codec in VIDEO else _audio(codec)
    except Exception:
        return NOT_TRIED
    try:
        return _decoded(clip)
    except Exception as error:
        return in_one_line(error)


def _video(codec: str) -> bytes:
    import av
    import numpy as np

    encoder, options = VIDEO[codec]
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream: Any = container.add_stream(encoder, rate=25, options=options)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        picture = np.full((SIZE, SIZE, 3), GREY, np.uint8)
        for _ in range(NUM_FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return file.getvalue()


def _audio(codec: str) -> bytes:
    import av
    import numpy as np

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream: Any = container.add_stream(AUDIO[codec], rate=RATE)
        stream.layout = "mono"
        tone = np.sin(np.arange(RATE // 5) * 2 * np.pi * 440 / RATE).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        resampler = av.AudioResampler(stream.codec_context.format, "mono", RATE, stream.codec_context.frame_size or 960)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode())
    return file.getvalue()


def _decoded(clip: bytes) -> str:
    """Empty where the clip shows, or sounds, as it was made."""
    import av
    import numpy as np

    with av.open(io.BytesIO(clip), "r") as container:
        arrays = [
            frame.to_ndarray(format="rgb24") if isinstance(frame, av.VideoFrame) else frame.to_ndarray()
            for frame in container.decode()
            if isinstance(frame, av.VideoFrame | av.AudioFrame)
        ]
        is_video = bool(container.streams.video)
    if is_video:
        right = len(arrays) == NUM_FRAMES and all(abs(float(one.mean()) - GREY) < TOLERANCE for one in arrays)
    else:
        sound = np.concatenate([one.reshape(-1) for one in arrays]) if arrays else np.zeros(1)
        right = LEAST_RMS < float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) < MOST_RMS
    return "" if right else "decoded to something else"


def _second() -> dict[str, Any]:
    """Whether decord, which is optional, decodes H.264."""
    try:
        import decord
    except ImportError:
        return {}
    except OSError as error:
        return {"decord": in_one_line(error)}
    handle, name = tempfile.mkstemp(suffix=".mkv")
    try:
        os.write(handle, _video("h264"))
        os.close(handle)
        return {"decord": "" if len(decord.VideoReader(name)) == NUM_FRAMES else "decoded to something else"}
    except Exception as error:
        return {"decord": in_one_line(error)}
    finally:
        Path(name).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
