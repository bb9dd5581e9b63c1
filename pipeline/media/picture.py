"""Turns decoded frames into the RGB pictures that a player shows.

In this order: fields are made into one picture, YCbCr becomes RGB, what is transparent becomes black, pixels become
square, and the picture is turned or mirrored. Each picture depends on its own frame and on the file alone, never on the
frames that were decoded before it, so that it does not matter where a seek has landed. A frame that is progressive,
opaque, upright and has square pixels is converted and no more.
"""

import contextlib
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from pipeline.media.colours import Pixels, has_alpha, matrix_of, on_black
from pipeline.media.fields import deinterlaced
from pipeline.media.shrinking import Shrinker

WIDEST_PIXEL = 8
"""Pixels that are said to be wider (or taller) than this are taken for square: no camera or disc format has them."""

MAX_PIXELS = 8192 * 4320
"""Larger pictures are made smaller: one of this size takes 106 MB."""

MAX_DECODED_PIXELS = 5 * 2**23
MAX_DECODED_BYTES = 4 * MAX_PIXELS
"""Larger frames are not decoded: a decoder holds several of them, of 100 MB and more each. The bytes tell where a pixel
takes more than the 1.5 bytes that it mostly takes: a GIF of 17 kB may ask for 250 MB a frame."""

ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codec -> the decoder that reads its alpha channel; FFmpeg's own decoders leave it out."""

PADDED = frozenset({"rawvideo"})
"""Codecs whose alpha channel may be no more than padding: screen recorders leave 0 in the fourth byte of RGB32."""


class Orientation(NamedTuple):
    """One of the eight ways to hang a picture: first transposed (x and y swapped), then mirrored."""

    transposed: bool = False
    flipped_x: bool = False
    flipped_y: bool = False

    def turned_px(self, size_px: tuple[int, int]) -> tuple[int, int]:
        """Width and height of a picture of this size in this orientation; of the turned one, those of the first."""
        return size_px[::-1] if self.transposed else size_px

    def apply(self, pixels: Pixels) -> Pixels:
        """The picture (H, W, C) in this orientation, (W, H, C) when transposed; a view."""
        if self.transposed:
            pixels = pixels.transpose(1, 0, 2)
        return pixels[:: -1 if self.flipped_y else 1, :: -1 if self.flipped_x else 1]


UPRIGHT = Orientation()


@dataclass(frozen=True)
class Display:
    """How the frames of a file are to be shown; by default as they are."""

    pixel_aspect: Fraction = Fraction(1)
    """Width over height of a pixel, before the picture is turned; 1 when the file says nothing, or nonsense."""
    orientation: Orientation = UPRIGHT
    """That of the first frame; frames that say nothing of their own are shown like it."""

    @classmethod
    def of(cls, stream: Any, first_frame: Any) -> "Display":
        """How a PyAV stream is shown. The container's pixel aspect goes before that of the codec, as in FFmpeg."""
        aspects = (stream.sample_aspect_ratio, stream.codec_context.sample_aspect_ratio)
        aspect = next((aspect for aspect in aspects if _is_sane(aspect)), Fraction(1))
        return cls(aspect, orientation_of(first_frame) or UPRIGHT)

    def size_px(self, frame: Any) -> tuple[int, int]:
        """Width and height of the frame as shown."""
        return self.orientation_of(frame).turned_px(self.unturned_px(frame))

    def is_plain(self, frame: Any) -> bool:
        """Whether the frame only has to be converted to RGB, by the matrix that FFmpeg would take by itself."""
        upright = self.orientation_of(frame) == UPRIGHT and self.unturned_px(frame) == (frame.width, frame.height)
        return upright and not frame.interlaced_frame and not has_alpha(frame) and matrix_of(frame) is None

    def orientation_of(self, frame: Any) -> Orientation:
        """The orientation in which the frame is shown."""
        return orientation_of(frame) or self.orientation

    def unturned_px(self, frame: Any) -> tuple[int, int]:
        """Width and height of the frame with square pixels, before it is turned."""
        return stretched_px(frame.width, frame.height, self.pixel_aspect)


AS_IT_IS = Display()


class Painter:
    """Makes RGB pictures of the frames of a PyAV stream; without a `display`, shows them as the first one asks for."""

    def __init__(self, stream: Any, display: Display | None = None) -> None:
        from av.video.reformatter import VideoReformatter

        self._stream, self._display = stream, display
        self._reformatter = VideoReformatter()
        self._shrinker = Shrinker()

    def shrunk(self, frame: Any, size_px: tuple[int, int], whole_px: tuple[int, int]) -> Pixels | None:
        """As `rgb`, at this smaller width and height, by a Shrinker; None where it has none of this frame, and of one
        whose whole picture is not of `whole_px`."""
        display = self._shown_as(frame)
        orientation = display.orientation_of(frame)
        if orientation.turned_px(display.unturned_px(frame)) != whole_px:
            return None
        pixels = self._shrinker.rgb(frame, orientation.turned_px(size_px))
        return None if pixels is None else np.ascontiguousarray(orientation.apply(pixels))

    def _shown_as(self, frame: Any) -> Display:
        if self._display is None:
            self._display = Display.of(self._stream, frame)
        return self._display

    def rgb(self, frame: Any) -> Pixels:
        """The frame as a player shows it, (H, W, 3), contiguous, H and W as `Display.size_px`."""
        import cv2

        display = self._shown_as(frame)
        size_px, orientation = display.unturned_px(frame), display.orientation_of(frame)
        pixels = self._converted(deinterlaced(frame))
        if pixels.shape[1::-1] != size_px:
            pixels = np.asarray(cv2.resize(pixels, size_px, interpolation=cv2.INTER_LINEAR), np.uint8)
        return np.ascontiguousarray(orientation.apply(pixels))

    def _converted(self, frame: Any) -> Pixels:
        """The frame as RGB on black, in its own shape, or smaller where that would be too large."""
        size = {}
        if frame.width * frame.height > MAX_PIXELS:
            size["width"], size["height"] = stretched_px(frame.width, frame.height, Fraction(1))
        alpha = has_alpha(frame)
        # One thread, as for the decoder: by default libswscale starts one a core for each file.
        converted = self._reformatter.reformat(
            frame, format="rgba" if alpha else "rgb24", src_colorspace=matrix_of(frame), threads=1, **size
        )
        pixels = np.asarray(converted.to_ndarray(), np.uint8)
        if alpha and self._stream.codec_context.name in PADDED and not pixels[..., 3].any():
            return np.ascontiguousarray(pixels[..., :3])
        return on_black(pixels) if alpha else pixels


def open_decoder(stream: Any) -> Any | None:
    """The PyAV codec context that decodes a video stream, its alpha channel too; None for an unknown codec."""
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    if stream.codec_context is None:
        return None
    decoder = stream.codec_context
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    library = ALPHA_DECODERS.get(stream.codec_context.name) if tags.get("alpha_mode") == "1" else None
    if library:
        with contextlib.suppress(UnknownCodecError):  # without libvpx: opaque is better than nothing
            decoder = Codec(library, "r").create("video")
    decoder.options = {"max_pixels": str(most_pixels(stream))}
    return decoder


def too_large(stream: Any) -> str:
    """That frames of this size are not decoded, in words; empty when they are."""
    width, height = (stream.codec_context.width, stream.codec_context.height) if stream.codec_context else (0, 0)
    return f"frames of {width} x {height} pixels are too large" if width * height > most_pixels(stream) else ""


def most_pixels(stream: Any) -> int:
    """How many pixels a frame of this stream may have at most to be decoded."""
    return min(MAX_DECODED_PIXELS, int(MAX_DECODED_BYTES / bytes_per_pixel(stream.codec_context)))


def frame_bytes(stream: Any) -> float:
    """What a decoded frame of this stream takes."""
    decoder = stream.codec_context
    return float(decoder.width * decoder.height * bytes_per_pixel(decoder)) if decoder else 0.0


def bytes_per_pixel(decoder: Any) -> float:
    """Of a decoded frame; 1.5, as of most videos, where the pixel format is not known."""
    form = decoder.format if decoder else None
    return float(form.padded_bits_per_pixel) / 8 if form is not None else 1.5


def orientation_of(frame: Any) -> Orientation | None:
    """The orientation that the frame's display matrix asks for, or None when it has none, or a singular one.

    The matrix may come from the container or from the H.264 or HEVC stream. It maps (x, y) to (a x + c y, b x + d y);
    scale and shift are left out. Other angles are taken for the nearest quarter turn, as most players do, so that
    nothing is cut off.
    """
    try:
        data = _side_data(frame).get("DISPLAYMATRIX")
    except ValueError:  # PyAV: side data of a kind that it does not know, beside the matrix
        a, b = round(math.cos(math.radians(frame.rotation))), -round(math.sin(math.radians(frame.rotation)))
        c, d = -b, a
    else:
        if data is None:
            return None
        a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), np.int32)[:5])
    if a * d == b * c:
        return None
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)


def _side_data(frame: Any) -> Any:
    """As frame.side_data, which the frame would refer to, and it to the frame: ten frames, of half a gigabyte if they
    are 8K, would wait for the garbage collector."""
    from av.sidedata import sidedata

    make: Any = sidedata.SideDataContainer
    return make(frame)


def stretched_px(width_px: int, height_px: int, pixel_aspect: Fraction) -> tuple[int, int]:
    """Width and height at which pixels of this aspect become square ones.

    The side that is too short is made longer, as mpv does, so that no line or column is lost. Where that would give
    more than MAX_PIXELS, both sides are made smaller.
    """
    width = max(float(width_px), width_px * float(pixel_aspect))
    height = max(float(height_px), height_px / float(pixel_aspect))
    scale = min(1.0, math.sqrt(MAX_PIXELS / (width * height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _is_sane(aspect: Fraction | None) -> bool:
    return aspect is not None and Fraction(1, WIDEST_PIXEL) <= aspect <= WIDEST_PIXEL
