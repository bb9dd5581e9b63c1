"""One frame as an expert is shown it: resized, and the middle cut out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import FrameNeed


@dataclass(frozen=True)
class Shape:
    """What a need says of the single picture; needs of one shape share it."""

    short_px: int | None
    resize: Literal["area", "bilinear", "bicubic"]
    crop_px: int | None
    squash: bool

    @classmethod
    def of(cls, need: FrameNeed) -> "Shape":
        """The shape that `need` asks for."""
        return cls(need.short_px, need.resize, need.crop_px, need.squash)


def cut_picture(frame: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    """The native frame (H, W, 3) in the size and cut of `shape`."""
    size = _size(frame, shape)
    resized = frame if size == frame.shape[1::-1] else _resize(frame, size, shape.resize)
    return np.ascontiguousarray(_centre(resized, shape.crop_px))


def _size(frame: NDArray[np.uint8], shape: Shape) -> tuple[int, int]:
    """(width, height) before the cut."""
    height, width = frame.shape[:2]
    short_px = shape.short_px
    if short_px is None:
        return width, height
    if shape.squash:
        return short_px, short_px
    if shape.resize == "area":
        scale = short_px / min(height, width)
        return max(1, round(width * scale)), max(1, round(height * scale))
    # torchvision's way with the long side, which networks are trained with: cut off, not rounded.
    long_px = int(short_px * max(height, width) / min(height, width))
    return (long_px, short_px) if width >= height else (short_px, long_px)


def _resize(frame: NDArray[np.uint8], size: tuple[int, int], how: str) -> NDArray[np.uint8]:
    if how == "area":
        import cv2

        smaller = size[0] < frame.shape[1]
        return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))
    from PIL import Image

    resample = Image.Resampling.BILINEAR if how == "bilinear" else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(frame).resize(size, resample))


def _centre(frame: NDArray[np.uint8], side_px: int | None) -> NDArray[np.uint8]:
    """The middle square, or the whole frame; a frame that is smaller than the square stays as it is there."""
    if side_px is None:
        return frame
    height, width = frame.shape[:2]
    top, left = (max(0, round((length - side_px) / 2)) for length in (height, width))
    return frame[top : top + side_px, left : left + side_px]
