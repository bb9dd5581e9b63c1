"""Shrinks frames while their YCbCr becomes RGB: each pixel is the mean of the area that it covers.

libswscale does both in one pass, in a quarter of the time that full-size RGB and OpenCV's mean of areas take, and
nearer to what a computation without rounding gives: its fast way to full-size RGB is a level too dark in the mean.
Rounding is exact, so that all CPUs give the same pixels. Chroma of half the size is interpolated where the picture
becomes less than half as small.
"""

from typing import Any

import numpy as np

from pipeline.media.colours import Pixels, has_alpha, matrix_of
from pipeline.media.fields import deinterlaced

SHRINK_VERSION = 1
"""Raised by hand when the pixels change; part of the recipe of every expert that is shown means of areas."""

MOST_TIMES = 200
"""Frames that are more times as wide or high are not shrunk here: libswscale's weights do not reach so far."""


class Shrinker:
    """Makes small RGB pictures of PyAV frames; each depends on its own frame and size alone."""

    def __init__(self) -> None:
        from av.video.reformatter import Interpolation

        self._how = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
        self._reformatters: dict[tuple[int, int], Any] = {}  # one keeps the tables of one size

    def rgb(self, frame: Any, size_px: tuple[int, int]) -> Pixels | None:
        """The frame at this width and height, (H, W, 3), of one field where it is interlaced, not turned.

        None where it would not become smaller, and where it is RGB already or may be transparent.
        """
        import cv2
        from av.video.reformatter import VideoReformatter

        if not _can_shrink(frame, *size_px):
            return None
        if size_px not in self._reformatters:
            self._reformatters[size_px] = VideoReformatter()
        frame = deinterlaced(frame)
        # To planes: for packed RGB libswscale halves the chroma of the small picture. One thread, as for the decoder.
        small = self._reformatters[size_px].reformat(
            frame, *size_px, format="gbrp", src_colorspace=matrix_of(frame), interpolation=self._how, threads=1
        )
        green, blue, red = (_samples(plane) for plane in small.planes)
        return np.asarray(cv2.merge([red, green, blue]), np.uint8)


def _can_shrink(frame: Any, width: int, height: int) -> bool:
    # One line or column of pixels is left out: there libswscale takes no means.
    form = frame.format
    if form.is_rgb or form.is_bit_stream or has_alpha(frame) or min(width, height) == 1:
        return False
    becomes_smaller = width <= frame.width and height <= frame.height and (width, height) != (frame.width, frame.height)
    return becomes_smaller and frame.width <= MOST_TIMES * width and frame.height <= MOST_TIMES * height


def _samples(plane: Any) -> Pixels:
    """(H, W), a view."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
