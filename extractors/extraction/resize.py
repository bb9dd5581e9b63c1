"""Resizes and crops a frame to what an expert asks for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.shown.needs import CropOffset, FrameNeed, ResizeMethod, SpreadNeed
from pipeline.media.video import ShownFrame

EDGE_PX = 1e-6
"""Tolerance of a computed length: 480 * (224 / 480) is a hair below 224."""

LONGEST = 8
"""The long side of a resized frame is at most this many times the short side that was asked for."""


@dataclass(frozen=True)
class Resize:
    """The settings of a need for a single frame; needs with equal ones share the resized frames."""

    short_px: int | None
    resize: ResizeMethod
    crop_px: int | None
    size_px: tuple[int, int] | None
    crop_offset: CropOffset

    @classmethod
    def of(cls, need: FrameNeed | SpreadNeed) -> "Resize":
        """Those of `need`."""
        return cls(need.short_px, need.resize, need.crop_px, need.size_px, need.crop_offset)


def resize_shown(shown: ShownFrame, settings: Resize) -> NDArray[Any]:
    """As `resize_frame`, of a frame of a video; with `area` it is shrunk while it becomes RGB, where it can be."""
    height, width = shown.shape
    if settings.resize == "area" and not _is_cut_first((height, width), settings):
        size = _size((height, width), settings)
        if size[0] < width and size[1] < height and (pixels := shown.shrunk(size)) is not None:
            return np.ascontiguousarray(_centre_crop(pixels, settings.crop_px, settings.crop_offset))
    return resize_frame(shown.rgb(), settings)


def resize_frame(frame: NDArray[np.uint8], settings: Resize) -> NDArray[Any]:
    """The native frame (H, W, 3), resized and cropped: uint8, with `bilinear_float` float32 in 0..255.

    It is never longer than LONGEST times `short_px`. A frame of more extreme shape is first cropped to LONGEST to 1
    where a crop is asked for, since only its centre will be seen. Where none is, its long side is squeezed to that
    length: all of it is seen, and no side is shorter than an expert can take.
    """
    offset = settings.crop_offset
    if _is_cut_first(frame.shape[:2], settings):
        frame = _centre_crop(frame, LONGEST * min(frame.shape[:2]), offset)
    size = _size(frame.shape[:2], settings)
    if settings.resize == "bilinear_float":
        resized: NDArray[Any] = _interpolate(frame, size, settings)
    else:
        resized = frame if size == frame.shape[1::-1] else _resize(frame, size, settings.resize)
    return np.ascontiguousarray(_centre_crop(resized, settings.crop_px, offset))


def _is_cut_first(shape: tuple[int, ...], settings: Resize) -> bool:
    """Whether a frame (height, width) is cut before it is resized: of a long one only the centre will be seen."""
    cut = settings.crop_px is not None and settings.short_px is not None
    return cut and max(shape) > LONGEST * min(shape)


def _size(shape: tuple[int, ...], settings: Resize) -> tuple[int, int]:
    """(width, height) of a frame (height, width) before the crop."""
    height, width = shape
    short_px = settings.short_px
    if settings.size_px is not None:
        return settings.size_px[1], settings.size_px[0]
    if short_px is None:
        return width, height
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


def _interpolate(frame: NDArray[np.uint8], size: tuple[int, int], settings: Resize) -> NDArray[np.float32]:
    """As torch.nn.functional.interpolate with align_corners=False; OpenCV computes the same, and decoders have it.

    With a short side, pixels lie 1 / scale apart, as torch takes them with a `scale_factor`, and both sides are cut
    off, not rounded.
    """
    import cv2

    pixels = frame.astype(np.float32)
    height, width = frame.shape[:2]
    if settings.short_px is None or max(height, width) > LONGEST * min(height, width):
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR))
    scale = settings.short_px / min(height, width)
    resized = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)  # which rounds the sizes
    return np.asarray(resized[: int(height * scale + EDGE_PX), : int(width * scale + EDGE_PX)])


def _centre_crop(frame: NDArray[Any], side_px: int | None, offset: CropOffset) -> NDArray[Any]:
    """The centre square, or the whole frame for None; a side that is shorter than the square is not cropped."""
    if side_px is None:
        return frame
    margins = (max(0, length - side_px) for length in frame.shape[:2])
    top, left = (margin // 2 if offset == "floor" else round(margin / 2) for margin in margins)
    return frame[top : top + side_px, left : left + side_px]
