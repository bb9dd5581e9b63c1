"""Finds faces on a CPU with the three networks of facenet-pytorch's MTCNN (Zhang et al. 2016): the same faces, sooner.

The cascade of facenet-pytorch's `detect_face`, frame by frame: areas are averaged by sums over rectangles (all of a
frame's crops at once), the networks run on one thread, for which they are large enough, and no frame's faces depend on
the others of its batch, not even in their last digits. K candidates of a frame; boxes are left, top, right, bottom.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks.mtcnn_layers import plain

Floats = NDArray[np.float32]

CELL_PX = 12
"""Side of the square of which the first network says whether it is a face."""
STRIDE = 2
"""Of the first network."""
SIDES = (24, 48)
"""Of the inputs of the second and the third network."""
_AT_ONCE = 16
"""Crops that a network gets at a time: what lies between its layers stays in the cache."""


class Detector:
    """facenet-pytorch's MTCNN with its settings, on the CPU."""

    def __init__(self, mtcnn: Any) -> None:
        self._networks = [plain(network) for network in (mtcnn.pnet, mtcnn.rnet, mtcnn.onet)]
        self._thresholds = mtcnn.thresholds
        self._min_face_px, self._factor = mtcnn.min_face_size, mtcnn.factor

    def detect(self, frames: NDArray[np.uint8]) -> tuple[list[Floats], ...]:
        """Of each of the frames (N, H, W, 3) RGB boxes (K, 4), confidence (K,) and landmarks (K, 5, 2) of its faces."""
        import torch

        with torch.inference_mode(), torch_on_one_thread():
            found = [self._found(frame) for frame in frames]
        boxes, points = [boxes for boxes, _ in found], [points for _, points in found]
        return [faces[:, :4] for faces in boxes], [faces[:, 4] for faces in boxes], points

    def _found(self, frame: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Boxes with their confidence (K, 5), and landmarks (K, 5, 2)."""
        import cv2

        sums = np.asarray(cv2.integral(frame), np.int32)
        boxes = _seen(self._proposed(sums), sums)
        if len(boxes):
            boxes = _seen(self._refined(boxes, sums), sums)
        if len(boxes):
            return self._final(boxes, sums)
        return np.zeros((0, 5), np.float32), np.zeros((0, 5, 2), np.float32)

    def _proposed(self, sums: NDArray[np.int32]) -> Floats:
        """(K, 5) squares where the first network, run on the frame in all sizes, sees a face."""
        sizes = scales(min(sums.shape[:2]) - 1, self._min_face_px, self._factor)
        found = [self._proposed_at(scale, sums) for scale in sizes]
        per_scale = np.repeat(np.arange(len(found)), [len(boxes) for boxes in found])
        boxes = np.concatenate([np.zeros((0, 9), np.float32), *found])
        # The scales side by side: boxes of two of them do not overlap. Coordinates are whole, and stay exact.
        away = (per_scale * 2 * max(sums.shape))[:, None].astype(np.float32)
        kept = _kept(boxes[:, :4] + away, boxes[:, 4], 0.5)
        boxes = boxes[kept[np.argsort(per_scale[kept], kind="stable")]]
        boxes = boxes[_kept(boxes[:, :4], boxes[:, 4], 0.7)]
        sides = np.tile(boxes[:, 2:4] - boxes[:, :2], 2)
        return _squares(np.concatenate([boxes[:, :4] + boxes[:, 5:] * sides, boxes[:, 4:5]], axis=1))

    def _proposed_at(self, scale: float, sums: NDArray[np.int32]) -> Floats:
        """(K, 9) boxes at one size, their confidence, and how each is to be moved."""
        import torch

        means = _means(sums, *frame_edges(sums.shape[0] - 1, sums.shape[1] - 1, scale))
        moves, confidence = self._networks[0](torch.from_numpy(means.transpose(0, 3, 1, 2).copy()))
        sure = confidence[0, 1].numpy()
        rows, columns = np.nonzero(sure >= np.float32(self._thresholds[0]))
        corner = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
        begin = np.floor((corner + 1) / np.float32(scale))
        end = np.floor((corner + CELL_PX) / np.float32(scale))
        moved = moves[0].numpy()[:, rows, columns].T
        return np.concatenate([begin, end, sure[rows, columns, None], moved], axis=1, dtype=np.float32)

    def _refined(self, boxes: Floats, sums: NDArray[np.int32]) -> Floats:
        """(K, 5) squares in which the second network sees a face, moved by it."""
        moves, confidence = self._judged(1, boxes, sums)
        passed = confidence[:, 1] > np.float32(self._thresholds[1])
        boxes, moves = np.concatenate([boxes[:, :4], confidence[:, 1:]], axis=1)[passed], moves[passed]
        kept = _kept(boxes[:, :4], boxes[:, 4], 0.7)
        return _squares(_moved(boxes[kept], moves[kept]))

    def _final(self, boxes: Floats, sums: NDArray[np.int32]) -> tuple[Floats, Floats]:
        """Boxes (K, 5) and landmarks (K, 5, 2) of what the third network takes for faces."""
        from facenet_pytorch.models.utils.detect_face import nms_numpy

        moves, points, confidence = self._judged(2, boxes, sums)
        passed = confidence[:, 1] > np.float32(self._thresholds[2])
        boxes = np.concatenate([boxes[:, :4], confidence[:, 1:]], axis=1)[passed]
        moves, points = moves[passed], points[passed]
        if not len(boxes):
            return boxes, np.zeros((0, 5, 2), np.float32)
        sides = (boxes[:, 2:4] - boxes[:, :2] + 1)[:, :, None]
        landmarks = (sides * points.reshape(-1, 2, 5) + boxes[:, :2, None] - 1).transpose(0, 2, 1)
        boxes = _moved(boxes, moves)
        kept = nms_numpy(boxes[:, :4], boxes[:, 4], 0.7, "Min")
        return boxes[kept], landmarks[kept]

    def _judged(self, which: int, boxes: Floats, sums: NDArray[np.int32]) -> list[Floats]:
        """What the second or the third network says of boxes (K, 5), K at least 1."""
        import torch

        side = SIDES[which - 1]
        # Channels last, as they lie there: its pooling takes a quarter of the time, and with it the network half.
        means = torch.from_numpy(_area_means(sums, _cut(boxes, sums), side, side)).permute(0, 3, 1, 2)
        parts = (means[first : first + _AT_ONCE] for first in range(0, len(means), _AT_ONCE))
        outputs = zip(*(self._networks[which](part) for part in parts), strict=True)
        return [torch.cat(of_parts).numpy() for of_parts in outputs]


def scales(short_px: int, min_face_px: int, factor: float) -> list[float]:
    """Sizes of a frame with this short side in which a face has `CELL_PX`, from the smallest faces on."""
    found = [CELL_PX / min_face_px]
    lengths = [short_px * found[0]]
    while lengths[-1] >= CELL_PX:
        found.append(found[-1] * factor)
        lengths.append(lengths[-1] * factor)
    return found[:-1]


def _cut(boxes: Floats, sums: NDArray[np.int32]) -> NDArray[np.int64]:
    """(K, 4) left, top, right, bottom of the pixels of boxes (K, 5) that lie in the frame."""
    height, width = (side - 1 for side in sums.shape[:2])
    corners = np.trunc(boxes[:, :4]).astype(np.int64)
    return np.concatenate([np.maximum(corners[:, :2], 1) - 1, np.minimum(corners[:, 2:], (width, height))], axis=1)


def _seen(boxes: Floats, sums: NDArray[np.int32]) -> Floats:
    """The boxes of which pixels lie in the frame."""
    cut = _cut(boxes, sums)
    return boxes[(cut[:, 2:] > cut[:, :2]).all(axis=1)]


def _area_means(sums: NDArray[np.int32], boxes: NDArray[np.int64], height: int, width: int) -> Floats:
    """(K, height, width, 3) the boxes (K, 4) of a frame, made so large by mean values, and scaled to about -1..1.

    As torch's `interpolate(mode="area")`, to the bit: sums of bytes are exact, whoever adds them up. `sums`
    (H + 1, W + 1, 3): of all that lies above and left of each corner.
    """
    left, top, right, bottom = boxes.T
    return _means(sums, _edges(top, bottom - top, height), _edges(left, right - left, width))


@lru_cache(maxsize=64)
def frame_edges(height: int, width: int, scale: float) -> list[NDArray[np.int64]]:
    """The edges of the rows and columns of a whole frame at one size, which all frames of a video share."""
    sides = np.array([[height], [width]])
    return [_edges(np.zeros(1, np.int64), side, int(side[0] * scale + 1)) for side in sides]


def _means(sums: NDArray[np.int32], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """As `_area_means`, of areas with these edges (2, K, height) and (2, K, width)."""
    if rows.shape[1] == 1:
        strips = sums.take(rows[1, 0], axis=0) - sums.take(rows[0, 0], axis=0)
        of_areas: NDArray[np.int32] = (strips.take(columns[1, 0], axis=1) - strips.take(columns[0, 0], axis=1))[None]
    else:
        flat = sums.reshape(-1, 3)
        (upper, lower), (before, after) = (rows * sums.shape[1])[:, :, :, None], columns[:, :, None]
        lower_part = flat.take(lower + after, axis=0) - flat.take(lower + before, axis=0)
        upper_part = flat.take(upper + after, axis=0) - flat.take(upper + before, axis=0)
        of_areas = lower_part - upper_part
    means: Floats = of_areas.astype(np.float32)
    means /= (rows[1] - rows[0]).astype(np.float32)[:, :, None, None]
    means /= (columns[1] - columns[0]).astype(np.float32)[:, None, :, None]
    means -= np.float32(127.5)
    means *= np.float32(0.0078125)
    return means


def _edges(begin: NDArray[np.int64], length: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """(2, K, number) begin and end of so many parts of each length, which overlap where they do not divide it."""
    steps = np.arange(number + 1)
    first = begin[:, None] + length[:, None] * steps[:-1] // number
    last = begin[:, None] - -length[:, None] * steps[1:] // number
    return np.stack([first, last])


def _kept(boxes: Floats, confidence: Floats, overlap: float) -> NDArray[np.int64]:
    """Indices of the boxes (K, 4) that no surer one overlaps by more, the surest first."""
    import torch
    from torchvision.ops import nms

    found: NDArray[np.int64] = nms(torch.from_numpy(boxes), torch.from_numpy(confidence), overlap).numpy()
    return found


def _squares(boxes: Floats) -> Floats:
    """The boxes (K, 5), each with its short sides as long as the long ones, about the same middle."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    longest = sides.max(axis=1, keepdims=True, initial=0)
    begin = boxes[:, :2] + sides * np.float32(0.5) - longest * np.float32(0.5)
    return np.concatenate([begin, begin + longest, boxes[:, 4:]], axis=1)


def _moved(boxes: Floats, moves: Floats) -> Floats:
    """The boxes (K, 5), each edge moved by that part of the side."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2)
    return np.concatenate([boxes[:, :4] + moves * sides, boxes[:, 4:]], axis=1)


@contextmanager
def torch_on_one_thread() -> Iterator[None]:
    """Context in which PyTorch computes on this thread alone: for small layers, more cost more than they do."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
