"""Short videos of the photographs: the thing moves in a straight line before a background, with its sound.

What is seen and heard is decided by the name alone. T: frames, H, W: the frame, N: samples.
"""

import hashlib
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import skimage.data
import sklearn.datasets
from av.codec.context import CodecContext, Flags
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.stamps.photographs import Photograph, Pixels, cut_out
from pipeline.demo.encode import AAC, X264
from pipeline.demo.sounds import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

BACKGROUNDS = (
    Path(skimage.data.__file__).with_name("brick.png"),
    Path(skimage.data.__file__).with_name("grass.png"),
    Path(skimage.data.__file__).with_name("gravel.png"),
    Path(skimage.data.__file__).with_name("hubble_deep_field.jpg"),
    Path(sklearn.datasets.__file__).parent / "images" / "china.jpg",
)
"""Photographs and textures inside the wheels of scikit-image and scikit-learn; none shows what a caption names."""
SHARE = (0.65, 0.85)
"""Of the frame: the thing's height or width, whichever is the larger share."""
OWN_SOUND_S = 2.0
"""At most so much of a thing's own sound; its spoken name follows."""
PAUSE_S = 0.1


@dataclass(frozen=True)
class Format:
    """Of the videos."""

    width_px: int = 320
    height_px: int = 240
    fps: int = 8
    duration_s: float = 3.0

    @property
    def num_frames(self) -> int:
        """T"""
        return round(self.fps * self.duration_s)


def encode(photograph: Photograph, form: Format) -> bytes:
    """The bytes of the mp4: H.264, and AAC where the thing has a sound. The same each time."""
    file, samples = io.BytesIO(), sound(photograph, form.duration_s)
    with av.open(file, "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=form.fps, options={**X264, "g": str(2 * form.fps)})
        video.width, video.height, video.pix_fmt = form.width_px, form.height_px, "yuv420p"
        _make_deterministic(video.codec_context)
        if samples is not None:
            audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono", options=AAC)
            _make_deterministic(audio.codec_context)
            whole = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            whole.sample_rate, whole.pts = SAMPLE_RATE_HZ, 0
            container.mux([*audio.encode(whole), *audio.encode()])
        for number, pixels in enumerate(frames(photograph, form)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return file.getvalue()


def _make_deterministic(codec: CodecContext) -> None:
    codec.thread_count = 1
    codec.flags |= Flags.bitexact


def frames(photograph: Photograph, form: Format) -> Iterator[Pixels]:
    """The T frames, (H, W, 3) RGB: the thing is whole in all of them."""
    rng = random.Random(int.from_bytes(hashlib.sha256(photograph.name.encode()).digest()[:8], "big"))
    behind = background(rng, form)
    thing = Image.fromarray(cut_out(photograph.picture))
    scale = rng.uniform(*SHARE) * min(form.width_px / thing.width, form.height_px / thing.height)
    size = (max(1, round(thing.width * scale)), max(1, round(thing.height * scale)))
    thing = thing.resize(size, Image.Resampling.BICUBIC)
    room = (form.width_px - thing.width, form.height_px - thing.height)
    start, end = ([rng.uniform(0, side) for side in room] for _ in range(2))
    for way in np.linspace(0, 1, form.num_frames):
        frame = behind.copy()
        place = [round(a + way * (b - a)) for a, b in zip(start, end, strict=True)]
        frame.alpha_composite(thing, (place[0], place[1]))
        yield np.asarray(frame.convert("RGB"))


def background(rng: random.Random, form: Format) -> Image.Image:
    """A piece of one of BACKGROUNDS, as large as the frame, mirrored or not, brighter or darker."""
    with Image.open(rng.choice(BACKGROUNDS)) as file:
        image = file.convert("RGB")
    zoom = rng.uniform(0.5, 1.0) * min(image.width / form.width_px, image.height / form.height_px)
    width, height = form.width_px * zoom, form.height_px * zoom
    left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
    box = (left, top, left + width, top + height)
    piece = image.resize((form.width_px, form.height_px), Image.Resampling.BICUBIC, box)
    piece = ImageOps.mirror(piece) if rng.random() < 0.5 else piece
    return ImageEnhance.Brightness(piece).enhance(rng.uniform(0.7, 1.2)).convert("RGBA")


def sound(photograph: Photograph, duration_s: float) -> Samples | None:
    """The start of its own sound, then its spoken name, then silence, (N,); None where it has neither."""
    own, spoken = (read_sound(path) if path else np.zeros(0, np.float32) for path in _sounds(photograph))
    if not len(own) and not len(spoken):
        return None
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE_HZ), np.float32)
    whole = np.concatenate([own[: round(OWN_SOUND_S * SAMPLE_RATE_HZ)], pause, spoken])
    fitted = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
    fitted[: len(whole)] = whole[: len(fitted)]
    return fitted


def _sounds(photograph: Photograph) -> tuple[Path | None, Path | None]:
    return photograph.own_sound, photograph.spoken


def read_sound(path: Path) -> Samples:
    """A sound file as mono, (N,) within -1 to 1."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(path)) as container:
        pieces = [piece.to_ndarray()[0] for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    return np.concatenate([np.zeros(0, np.float32), *pieces]).astype(np.float32)
