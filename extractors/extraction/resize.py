"""Resizes and crops a frame to what an expert asks for."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import FrameNeed

LONGEST = 8
"""The long side of a resized frame is at most this many times the short side that was asked for."""


@dataclass(frozen=True)
class Resize:
    """The settings of a FrameNeed for a single frame; needs with equal ones share the resized frames."""

    short_px: int | None
    resize: Literal["area", "bilinear", "bicubic"]
    crop_px: int | None
    squash: bool

    @classmethod
    def of(cls, need: FrameNeed) -> "Resize":
        """Those of `need`."""
        return cls(need.short_px, need.resize, need.crop_px, need.squash)


def resize_frame(frame: NDArray[np.uint8], settings: Resize) -> NDArray[np.uint8]:
    """The native frame (H, W, 3), resized and cropped; never longer than LONGEST times `short_px`.

    A frame of more extreme shape is first cropped to LONGEST to 1 where a crop is asked for, since only its centre will
    be seen. Where none is, its long side is squeezed to that length: all of it is seen, and no side is shorter than an
    expert can take.
    """
    if settings.crop_px is not None and settings.short_px is not None and not settings.squash:
        frame = _centre_crop(frame, LONGEST * min(frame.shape[:2]))
    size = _size(frame, settings)
    resized = frame if size == frame.shape[1::-1] else _resize(frame, size, settings.resize)
    return np.ascontiguousarray(_centre_crop(resized, settings.crop_px))


def _size(frame: NDArray[np.uint8], settings: Resize) -> tuple[int, int]:
    """(width, height) before the crop."""
    height, width = frame.shape[:2]
    short_px = settings.short_px
    if short_px is None:
        return width, height
    if settings.squash:
        return short_px, short_px
    if max(height, width) > LONGEST * min(height, width):
        return (LONGEST * short_px, short_px) if width >= height else (short_px, LONGEST * short_px)
    if settings.resize == "area":
        scale = short_px / min(height, width)
        return max(1, round(width * scale)), max(1, round(height * scale))
    # As torchvision does, with which networks are trained: the long side is truncated, not rounded.
    long_px = int(short_px * max(height, width) / min(height, width))
    return (long_px, short_px) if width >= height else (short_px, long_px)


def _resize(frame: NDArray[np.uint8], size: tuple[int, int], method: str) -> NDArray[np.uint8]:
    if method == "area":
        import cv2

        shrinks = size[0] < frame.shape[1]
        return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
    from PIL import Image

    resample = Image.Resampling.BILINEAR if method == "bilinear" else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(frame).resize(size, resample))


def _centre_crop(frame: NDArray[np.uint8], side_px: int | None) -> NDArray[np.uint8]:
    """The centre square, or the whole frame for None; a side that is shorter than the square is not cropped."""
    if side_px is None:
        return frame
    height, width = frame.shape[:2]
    top, left = (max(0, round((length - side_px) / 2)) for length in (height, width))
    return frame[top : top + side_px, left : left + side_px]
