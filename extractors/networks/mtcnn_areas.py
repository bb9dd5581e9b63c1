"""What MTCNN's networks are shown on a GPU: mean values of areas of all frames at once, from one table of sums.

N frames, K boxes in them; Q pixels and P cells of the first network in a frame, in all sizes in which it sees it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from extractors.networks.mtcnn import CELL_PX, STRIDE, frame_edges

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Sizes:
    """What the first network is shown of frames of one size, and where its cells lie, on the device."""

    shapes: list[tuple[int, int]]
    """Height and width of the frame in each size."""
    corners: "torch.Tensor"
    """(4, Q) where the sums up to the four corners of each pixel's area lie, the lower right one first."""
    areas: "torch.Tensor"
    """(2, Q) height and width of that area."""
    boxes: "torch.Tensor"
    """(P, 4) of the cells, in pixels of the frame."""
    which: "torch.Tensor"
    """(P,) index of the size that a cell belongs to."""
    limits: "torch.Tensor"
    """(2,) width and height of the frame."""


@lru_cache(maxsize=8)
def sizes_of(height: int, width: int, frame_scales: tuple[float, ...], device: str) -> Sizes:
    """The tables for frames of this size, which all videos of one shape share: computed on the host, as on a CPU."""
    import torch

    shapes, corners, areas, boxes = [], [], [], []
    for scale in frame_scales:
        rows, columns = (edges[:, 0] for edges in frame_edges(height, width, scale))
        shapes.append((rows.shape[1], columns.shape[1]))
        pairs = [(rows[side, :, None], columns[other]) for side in (1, 0) for other in (1, 0)]
        corners.append(np.stack([(row * (width + 1) + column).ravel() for row, column in pairs]))
        lengths = np.meshgrid(rows[1] - rows[0], columns[1] - columns[0], indexing="ij")
        areas.append(np.stack(lengths).reshape(2, -1).astype(np.float32))
        # Of the first network's layers one halves the sides, up, and three take two pixels each.
        cells = np.indices([-(-(side - 2) // 2) - 4 for side in shapes[-1]]).reshape(2, -1)
        corner = cells[::-1].T.astype(np.float32) * STRIDE
        ends = [np.floor((corner + away) / np.float32(scale)) for away in (1, CELL_PX)]
        boxes.append(np.concatenate(ends, axis=1))
    which = np.repeat(np.arange(len(boxes)), [len(of_size) for of_size in boxes])
    tables = (np.concatenate(corners, 1), np.concatenate(areas, 1), np.concatenate(boxes), which)
    limits = np.array([width, height])
    return Sizes(shapes, *(torch.from_numpy(table).to(device) for table in (*tables, limits)))


def sums_of(frames: "torch.Tensor") -> "torch.Tensor":
    """(N, 3, H + 1, W + 1) whole numbers: the sum of all that lies above and left of each corner of a pixel."""
    import torch
    from torch.nn import functional

    height, width = frames.shape[1:3]
    number = torch.int32 if 255 * height * width < 2**31 else torch.int64
    planes = frames.permute(0, 3, 1, 2).contiguous()
    return functional.pad(planes.cumsum(3, dtype=number).cumsum(2, dtype=number), (1, 0, 1, 0))


def cut(boxes: "torch.Tensor", limits: "torch.Tensor") -> tuple["torch.Tensor", ...]:
    """Begin and end (K, 2) of what lies in the frame of boxes (K, 5), a pixel at least; whether any lies there (K,)."""
    import torch

    corners = boxes[:, :4].trunc().long()
    begin, end = corners[:, :2].clamp(min=1) - 1, torch.minimum(corners[:, 2:], limits)
    seen = (end > begin).all(dim=1)
    begin = torch.minimum(begin, limits - 1)
    return begin, torch.maximum(end, begin + 1), seen


def crops(
    sums: "torch.Tensor", side: int, begin: "torch.Tensor", end: "torch.Tensor", frame: "torch.Tensor"
) -> "torch.Tensor":
    """(K, 3, side, side) what lies between begin and end (K, 2) in these frames (K,), as `mtcnn._area_means`."""
    import torch

    parts = (end - begin)[:, :, None] * torch.arange(side + 1, device=sums.device)
    first = begin[:, :, None] + parts[:, :, :-1] // side
    last = begin[:, :, None] + (parts[:, :, 1:] + side - 1) // side
    channel = torch.arange(3, device=sums.device)[:, None, None]
    of, rows, columns = frame[:, None, None, None], (last, first), (last, first)
    ends = [(row[:, 1, None, :, None], column[:, 0, None, None]) for row in rows for column in columns]
    lengths = (last - first).float()
    return means_of([sums[of, channel, *at] for at in ends], lengths[:, 1, None, :, None], lengths[:, 0, None, None])


def means_of(corners: list["torch.Tensor"], heights: "torch.Tensor", widths: "torch.Tensor") -> "torch.Tensor":
    """The means of areas with these sums up to their corners, the lower right one first, scaled to about -1..1."""
    lower_right, lower_left, upper_right, upper_left = corners
    means = (lower_right - lower_left).sub_(upper_right).add_(upper_left).float()
    return means.div_(heights).div_(widths).sub_(127.5).mul_(0.0078125)
