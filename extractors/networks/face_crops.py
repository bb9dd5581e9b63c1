"""Crops of all faces of a batch at once on a GPU: as facenet-pytorch's `extract_face` takes them one by one on a CPU.

That asks for OpenCV's `INTER_AREA`: means of areas, or mixtures of two pixels where a side of the face grows. F faces,
S the side of a crop, T pixels of the frame along a side that a pixel of a crop is made of.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from extractors.networks.placing import array_to_device

if TYPE_CHECKING:
    import torch

_AT_ONCE = 32
"""Faces: of large ones the pixels that they are made of take 28 MB each."""
_ONE = 2048
"""Weights of two pixels are whole numbers of this sum, as in OpenCV."""


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


def crops(frames: "torch.Tensor", index: NDArray[np.int64], corners: NDArray[np.int64], side: int) -> "torch.Tensor":
    """(F, 3, S, S) in 0..255 of frames (N, H, W, 3) on a device: what lies between the corners (F, 4) of faces.

    `index` (F,) of their frames. To the bit as OpenCV does it, but where a face is halved and half a level is rounded.
    """
    import torch

    grows = (corners[:, 2:] - corners[:, :2] < side).any(axis=1)
    made = []
    for of_kind, make in ((np.flatnonzero(grows), _of_two_pixels), (np.flatnonzero(~grows), _of_areas)):
        for first in range(0, len(of_kind), _AT_ONCE):
            some = of_kind[first : first + _AT_ONCE]
            made.append(make(frames, index[some], corners[some], side))
    order = np.argsort(np.argsort(~grows, kind="stable"))
    return torch.cat(made)[array_to_device(order, str(frames.device))].permute(0, 3, 1, 2)


def _of_two_pixels(
    frames: "torch.Tensor", index: NDArray[np.int64], corners: NDArray[np.int64], side: int
) -> "torch.Tensor":
    """(F, S, S, 3) crops, in whole numbers as OpenCV computes them."""
    import torch

    begin, length = _sides(corners)
    grown = side / length
    pixel, tap = np.arange(side)[:, None], np.arange(2)
    first = np.floor(pixel * (1 / grown)).astype(np.int64)
    second = ((pixel + 1) - (first + 1) * grown).astype(np.float32)
    second = np.where(second > 0, second - np.floor(second), 0)
    weights = array_to_device(np.rint(np.where(tap, second, 1 - second) * _ONE).astype(np.int32), str(frames.device))
    pixels = _pixels(frames, index, begin + np.minimum(first + tap, length - 1)).int()
    rows = pixels.mul_(weights[:, 0, None, None, :, :, None]).sum(dim=4, dtype=torch.int32) >> 4
    return ((rows.mul_(weights[:, 1, :, :, None, None]) >> 16).sum(dim=2, dtype=torch.int32) + 2 >> 2).float()


def _of_areas(
    frames: "torch.Tensor", index: NDArray[np.int64], corners: NDArray[np.int64], side: int
) -> "torch.Tensor":
    """(F, S, S, 3) crops, none of them longer than the face in a direction."""
    begin, length = _sides(corners)
    step = length / side
    pixel, tap = np.arange(side)[:, None], np.arange(math.ceil(step.max()) + 1)
    source = np.floor(pixel * step).astype(np.int64) + tap
    common = np.minimum((pixel + 1) * step, source + 1) - np.maximum(pixel * step, source)
    weights = array_to_device((np.maximum(common, 0) / step).astype(np.float32), str(frames.device))
    pixels = _pixels(frames, index, begin + np.minimum(source, length - 1)).float()
    rows = pixels.mul_(weights[:, 0, None, None, :, :, None]).sum(dim=4)
    return rows.mul_(weights[:, 1, :, :, None, None]).sum(dim=2).round_()


def _sides(corners: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Begin and length (F, 2, 1, 1) from left to right and from top to bottom."""
    return corners[:, :2, None, None], (corners[:, 2:] - corners[:, :2])[:, :, None, None]


def _pixels(frames: "torch.Tensor", index: NDArray[np.int64], places: NDArray[np.int64]) -> "torch.Tensor":
    """(F, S, T, S, T, 3) of the frames what lies at these columns and rows, places (F, 2, S, T)."""
    num, _, side, taps = places.shape
    device = str(frames.device)
    of_faces = array_to_device(places.reshape(num, 2, side * taps), device)
    of_frame = array_to_device(index, device)[:, None, None]
    return frames[of_frame, of_faces[:, 1, :, None], of_faces[:, 0, None]].view(num, side, taps, side, taps, 3)
