"""Crops of all faces of a batch at once on a GPU: as facenet-pytorch's `extract_face` takes them one by one on a CPU.

OpenCV's `INTER_AREA`, which it asks for: means of areas; but of two neighbouring pixels where a side of the face grows.
F faces, S the side of a crop, T pixels of the frame that a pixel of a crop is made of, along a side.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

_AT_ONCE = 32
"""Faces: of large ones the pixels that they are made of take 28 MB each."""


def corners_of(
    boxes_px: NDArray[np.float32], height_width: tuple[int, int], side: int, margin_px: int
) -> NDArray[np.int64]:
    """(F, 4) whole left, top, right, bottom of what is cut out of frames of this size for boxes (F, 4), 1 px at least.

    `margin_px` is around the face in pixels of the crop.
    """
    sides = boxes_px[:, 2:] - boxes_px[:, :2]
    margins = margin_px * sides / (side - margin_px) / 2
    limits = np.array(height_width[::-1])
    begin = np.maximum(boxes_px[:, :2] - margins, 0).astype(np.int64)
    end = np.minimum(boxes_px[:, 2:] + margins, limits.astype(np.float32)).astype(np.int64)
    begin = np.minimum(begin, limits - 1)
    return np.concatenate([begin, np.maximum(end, begin + 1)], axis=1)


def parts_of_pixels(corners: NDArray[np.int64], side: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(F, 2, S, T) for each row and column of crops: which columns and rows of the frame it is made of; their weights.

    Rounded as OpenCV does it, since now and then that decides which of two pixels is taken.
    """
    begin, length = corners[:, :2, None, None], (corners[:, 2:] - corners[:, :2])[:, :, None, None]
    grown = side / length
    step = 1 / grown
    pixel, tap = np.arange(side)[:, None], np.arange(math.ceil(step.max(initial=0)) + 1)
    first = np.floor(pixel * step)
    source = first + tap
    by_area = np.minimum((pixel + 1) * step, source + 1) - np.maximum(pixel * step, source)
    second = ((pixel + 1) - (first + 1) * grown).astype(np.float32)
    second = np.where(second > 0, second - np.floor(second), 0)
    of_two = np.where(tap == 0, 1 - second, np.where(tap == 1, second, 0))
    grows = (length < side).any(axis=1, keepdims=True)
    weights = np.where(grows, of_two, np.maximum(by_area, 0) / step)
    return begin + np.minimum(source, length - 1).astype(np.int64), weights.astype(np.float32)


def crops(
    frames: "torch.Tensor", index: "torch.Tensor", places: "torch.Tensor", weights: "torch.Tensor"
) -> "torch.Tensor":
    """(F, 3, S, S) in 0..255, rounded, of frames (N, H, W, 3): each face's is in the frame of its index (F,)."""
    import torch

    parts = zip(*(torch.split(values, _AT_ONCE) for values in (index, places, weights)), strict=True)
    return torch.cat([_crops(frames, *part) for part in parts])


def _crops(
    frames: "torch.Tensor", index: "torch.Tensor", places: "torch.Tensor", weights: "torch.Tensor"
) -> "torch.Tensor":
    """As `crops`, of few faces."""
    num, _, side, taps = places.shape
    rows, columns = places[:, 1].flatten(1), places[:, 0].flatten(1)
    pixels = frames[index[:, None, None], rows[:, :, None], columns[:, None, :]].float()
    pixels = pixels.view(num, side * taps, side, taps, 3).mul_(weights[:, 0, None, :, :, None]).sum(dim=3)
    pixels = pixels.view(num, side, taps, side, 3).mul_(weights[:, 1, :, :, None, None]).sum(dim=2)
    return pixels.round().permute(0, 3, 1, 2)
