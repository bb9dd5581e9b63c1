"""Finds faces on a GPU with the networks of facenet-pytorch's MTCNN: those that `mtcnn.Detector` finds on a CPU.

All frames and boxes go through each step of the cascade at once: the number of kernels does not depend on how many they
are, and the host waits seven times a batch. N frames, K candidates of all of them; boxes are left, top, right, bottom.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks.mtcnn import SIDES, Floats, scales
from extractors.networks.mtcnn_areas import Sizes, crops, cut, means_of, sizes_of, sums_of
from extractors.networks.placing import array_to_device, equal_share, full_parts
from pipeline.running.tf32 import tf32

if TYPE_CHECKING:
    import torch

_PIXELS_AT_ONCE = 32_000_000
"""Of frames: their tables of sums take 0.4 GB, and what is made of them about as much again."""
_CROPS_AT_ONCE = (2048, 512)
"""Of the second and the third network, whose layers take 0.35 GB for so many; fewer are filled up."""
_FAR = 8
"""Frames are put aside by so many times their longer side, that no box of one reaches the next."""


@dataclass(frozen=True)
class _Found:
    """Candidates of all frames, the surest first."""

    boxes: "torch.Tensor"
    """(K, 5) with their confidence."""
    frame: "torch.Tensor"
    """(K,) index."""

    def __getitem__(self, chosen: "torch.Tensor") -> "_Found":
        return _Found(self.boxes[chosen], self.frame[chosen])

    def apart(self, by_px: int) -> "torch.Tensor":
        """(K, 4) the boxes, each frame's so far from those of the one before.

        In float64, so that where a frame lies in its batch does not round its boxes.
        """
        return self.boxes[:, :4].double() + (self.frame * by_px)[:, None]


class BatchDetector:
    """facenet-pytorch's MTCNN with its settings, for all frames of a batch at once, on its device."""

    def __init__(self, mtcnn: Any, device: str) -> None:
        self._networks = (mtcnn.pnet, mtcnn.rnet, mtcnn.onet)
        self._thresholds = mtcnn.thresholds
        self._min_face_px, self._factor = mtcnn.min_face_size, mtcnn.factor
        self._device = device

    def detect(self, frames: "NDArray[np.uint8] | torch.Tensor") -> tuple[list[Floats], ...]:
        """As `mtcnn.Detector.detect`; the frames may be on the device already."""
        import torch

        height, width = frames.shape[1:3]
        sizes = tuple(scales(min(height, width), self._min_face_px, self._factor))
        if not len(frames) or not sizes:
            return tuple([np.zeros((0, *shape), np.float32)] * len(frames) for shape in ((4,), (), (5, 2)))
        # TF32, PyTorch's default for convolutions, would move boxes and confidence.
        with torch.inference_mode(), tf32(False):
            if not isinstance(frames, torch.Tensor):
                frames = array_to_device(frames, self._device)
            parts = torch.split(frames, equal_share(len(frames), _PIXELS_AT_ONCE // (height * width)))
            found = [rows for part in parts for rows in _per_frame(self._found(part, sizes), len(part))]
        return (
            [rows[:, :4] for rows in found],
            [rows[:, 4] for rows in found],
            [rows[:, 5:15].reshape(-1, 5, 2) for rows in found],
        )

    def _found(self, frames: "torch.Tensor", frame_scales: tuple[float, ...]) -> Floats:
        """(K, 16) boxes, confidence, landmarks and frames of what the third network takes for faces."""
        height, width = frames.shape[1:3]
        sizes = sizes_of(height, width, frame_scales, self._device)
        sums = sums_of(frames)
        found = self._proposed(sums, sizes)
        if len(found.boxes):
            found = self._refined(found, sums, sizes)
        if len(found.boxes):
            return self._final(found, sums, sizes)
        return np.zeros((0, 16), np.float32)

    def _proposed(self, sums: "torch.Tensor", sizes: Sizes) -> _Found:
        """Squares where the first network, run on the frames in all sizes, sees a face."""
        import torch
        from torchvision.ops import nms

        flat = sums.flatten(2)
        pixels = means_of([flat.index_select(2, places) for places in sizes.corners], *sizes.areas)
        pictures = torch.split(pixels, [height * width for height, width in sizes.shapes], dim=2)
        shown = zip(pictures, sizes.shapes, strict=True)
        outputs = [self._networks[0](picture.reshape(len(picture), 3, *shape)) for picture, shape in shown]
        moves = torch.cat([moves.flatten(2) for moves, _ in outputs], dim=2)
        sure = torch.cat([confidence[:, 1].flatten(1) for _, confidence in outputs], dim=1)
        frame, cell = torch.nonzero(sure >= self._thresholds[0], as_tuple=True)
        boxes, moves, sure = sizes.boxes[cell], moves[frame, :, cell], sure[frame, cell]
        # Coordinates are whole numbers below 2 ** 24 here, and stay exact. Not torchvision's `batched_nms`: that goes
        # through many boxes group by group.
        far = 2 * max(sums.shape[2:])
        group = frame * len(sizes.shapes) + sizes.which[cell]
        kept = nms(boxes + (group * far)[:, None], sure, 0.5)
        kept = kept[nms(boxes[kept] + (frame[kept] * far)[:, None], sure[kept], 0.7)]
        boxes, moves = boxes[kept], moves[kept]
        moved = boxes + moves * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
        return _Found(_squares(torch.cat([moved, sure[kept, None]], dim=1)), frame[kept])

    def _refined(self, found: _Found, sums: "torch.Tensor", sizes: Sizes) -> _Found:
        """Squares in which the second network sees a face, moved by it."""
        from torchvision.ops import nms

        found, moves = self._judged(1, found, sums, sizes)
        kept = nms(found.apart(_FAR * max(sums.shape[2:])), found.boxes[:, 4].double(), 0.7)
        return _Found(_squares(_moved(found.boxes[kept], moves[kept])), found.frame[kept])

    def _final(self, found: _Found, sums: "torch.Tensor", sizes: Sizes) -> Floats:
        """As `_found`: what the third network sees in candidates, at least one."""
        import torch

        found, moves, points = self._judged(2, found, sums, sizes)
        sides = (found.boxes[:, 2:4] - found.boxes[:, :2] + 1)[:, :, None]
        points = (sides * points.view(-1, 2, 5) + found.boxes[:, :2, None] - 1).transpose(1, 2)
        columns = [_moved(found.boxes, moves), points.flatten(1), found.frame[:, None]]
        rows: Floats = torch.cat(columns, dim=1).cpu().numpy()
        return rows

    def _judged(self, which: int, found: _Found, sums: "torch.Tensor", sizes: Sizes) -> tuple[Any, ...]:
        """The candidates that the second or the third network takes for faces; what else it says of them."""
        import torch

        number = len(found.boxes)
        begin, end, seen = cut(found.boxes, sizes.limits)
        parts = array_to_device(full_parts(number, _CROPS_AT_ONCE[which - 1]), self._device)
        shown = (crops(sums, SIDES[which - 1], begin[part], end[part], found.frame[part]) for part in parts)
        *others, confidence = (torch.cat(of)[:number] for of in zip(*map(self._networks[which], shown), strict=True))
        # What lies beside the frame goes through the network too: to drop it before would be one more wait.
        (passed,) = torch.nonzero(seen & (confidence[:, 1] > self._thresholds[which]), as_tuple=True)
        boxes = torch.cat([found.boxes[:, :4], confidence[:, 1:]], dim=1)
        return _Found(boxes, found.frame)[passed], *(values[passed] for values in others)


def _squares(boxes: "torch.Tensor") -> "torch.Tensor":
    """The boxes (K, 5), each with its short sides as long as the long ones, about the same middle."""
    import torch

    sides = boxes[:, 2:4] - boxes[:, :2]
    longest = sides.amax(dim=1, keepdim=True)
    begin = boxes[:, :2] + sides * 0.5 - longest * 0.5
    return torch.cat([begin, begin + longest, boxes[:, 4:]], dim=1)


def _moved(boxes: "torch.Tensor", moves: "torch.Tensor") -> "torch.Tensor":
    """The boxes (K, 5), each edge moved by that part of the side."""
    import torch

    sides = (boxes[:, 2:4] - boxes[:, :2] + 1).repeat(1, 2)
    return torch.cat([boxes[:, :4] + moves * sides, boxes[:, 4:]], dim=1)


def _per_frame(rows: Floats, num_frames: int) -> list[Floats]:
    """The rows (K, 16) of each frame, without those that a surer one of their frame overlaps, the surest first."""
    # Of equally sure ones, of which there are many near 1, the last first, as facenet-pytorch takes a few.
    rows = rows[np.lexsort((-np.arange(len(rows)), -rows[:, 4], rows[:, 15]))]
    frame = rows[:, 15].astype(np.int64)
    counts = np.bincount(frame, minlength=num_frames)
    begins = counts.cumsum() - counts
    # All pairs within a frame: what is left are few, so that they are told apart on the host, where they go anyhow.
    first = np.repeat(np.arange(len(rows)), counts[frame])
    second = np.arange(len(first)) - np.repeat((counts[frame].cumsum() - counts[frame]) - begins[frame], counts[frame])
    first, second = first[second > first], second[second > first]
    begin = np.maximum(rows[first, :2], rows[second, :2])
    common = np.maximum(0, np.minimum(rows[first, 2:4], rows[second, 2:4]) - begin + 1).prod(axis=1)
    areas = (rows[:, 2:4] - rows[:, :2] + 1).prod(axis=1)
    hides = common / np.minimum(areas[first], areas[second]) > 0.7
    kept = np.ones(len(rows), np.bool_)
    for surer, other in zip(first[hides], second[hides], strict=True):
        kept[other] &= not kept[surer]
    return np.split(rows[kept], np.searchsorted(frame[kept], np.arange(1, num_frames)))
