"""Finds the most salient region of a frame: of one colour, in contrast to its surroundings, and moving.

T frames of H x W pixels, P colours of the palette.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.frames.median import median

PALETTE = {
    "black": (10, 10, 10),
    "dark grey": (64, 64, 64),
    "grey": (128, 128, 128),
    "light grey": (188, 188, 188),
    "white": (250, 250, 250),
    "red": (215, 30, 35),
    "dark red": (120, 30, 35),
    "orange": (245, 130, 20),
    "brown": (130, 85, 50),
    "beige": (205, 180, 145),
    "yellow": (245, 220, 30),
    "olive": (115, 120, 65),
    "green": (30, 155, 50),
    "light green": (145, 215, 120),
    "dark green": (25, 75, 40),
    "teal": (70, 130, 140),
    "cyan": (80, 210, 225),
    "blue": (30, 65, 215),
    "light blue": (130, 175, 230),
    "navy": (35, 45, 85),
    "purple": (135, 40, 170),
    "mauve": (140, 115, 145),
    "magenta": (225, 40, 190),
    "pink": (240, 165, 185),
}
"""sRGB of P everyday colours; muted ones among them, so that a dull pixel is not assigned to a bright colour."""

_MOVED = 12.0  # CIE Lab distance of a pixel to its median over time above which it moves; noise is about 3
_MIN_AREA = 0.004  # fraction of the frame
_RING_PX = 4  # distance of the surroundings from the region, so that its outline is not among them


@dataclass(frozen=True)
class Region:
    """The most salient region of a frame."""

    mask: NDArray[np.bool_]
    """(H, W), with holes filled."""
    salience: float
    """0 (no region) to about 1."""


def smooth(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frames (T, H, W, 3) after a median filter, which reduces noise and keeps edges."""
    import cv2

    return np.array([cv2.medianBlur(frame, 3) for frame in frames], np.uint8)


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE Lab, L in 0..100, of RGB values (..., 3)."""
    import cv2

    rows = rgb.reshape(1, -1, 3).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(rows, cv2.COLOR_RGB2LAB), np.float32).reshape(rgb.shape)


def name_colours(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(...), index of the palette colour nearest in Lab to each RGB value (..., 3), which is rounded to steps of 8."""
    red, green, blue = np.moveaxis(rgb.astype(np.int64) // 8, -1, 0)
    names: NDArray[np.uint8] = _nearest_colours()[red, green, blue]
    return names


@lru_cache(maxsize=1)
def _nearest_colours() -> NDArray[np.uint8]:
    """(32, 32, 32), index of the palette colour nearest to the centre of each cube of 8 x 8 x 8 RGB values."""
    cubes = to_lab(np.moveaxis(np.indices((32, 32, 32)) * 8 + 4, 0, -1).astype(np.uint8))
    palette = to_lab(np.array(list(PALETTE.values()), np.uint8))
    distances = [_distance(cubes, colour) for colour in palette]
    return np.asarray(np.argmin(distances, axis=0), np.uint8)


def find_regions(lab: NDArray[np.float32], names: NDArray[np.uint8]) -> list[Region]:
    """The most salient region of each frame, from the frames in Lab (T, H, W, 3) and their colour names (T, H, W)."""
    moved = _distance(lab, median(lab)) > _MOVED
    return [_find(*frame) for frame in zip(lab, names, moved, strict=True)]


def _distance(lab: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """(...), the Euclidean distances of colours (..., 3); `np.linalg.norm` takes eight times as long for so few."""
    squares = (lab - other) ** 2
    distance: NDArray[np.float32] = np.sqrt(squares[..., 0] + squares[..., 1] + squares[..., 2])
    return distance


class _Part(NamedTuple):
    """A connected component of one colour name."""

    bound: float
    """Salience that it has at most."""
    order: tuple[int, int]
    """Its colour name and its number: of two that are as salient, the one that comes first counts."""
    mask: NDArray[np.uint8]
    """(h, w), in the box around it, with its holes."""
    left: int
    top: int


def _find(lab: NDArray[np.float32], names: NDArray[np.uint8], moved: NDArray[np.bool_]) -> Region:
    best, best_order = Region(np.zeros(names.shape, np.bool_), 0.0), (0, 0)
    for part in sorted(_uniform_parts(names), key=lambda part: -part.bound):
        if part.bound < best.salience:
            break
        mask, around = _filled(part, names.shape)
        salience = _salience(mask, around, lab, moved, best.salience)
        if salience > best.salience or (salience == best.salience > 0 and part.order < best_order):
            whole = np.zeros(names.shape, np.bool_)
            whole[around] = mask
            best, best_order = Region(whole, salience), part.order
    return best


def _uniform_parts(names: NDArray[np.uint8]) -> list[_Part]:
    """The connected components of one colour name, without tiny ones."""
    import cv2

    kind = cv2.CV_16U if names.size < 2**15 else cv2.CV_32S  # of labels, at most one a pixel
    count, with_links = cv2.connectedComponents(_linked(names), connectivity=4, ltype=kind)
    labels = with_links[::2, ::2].copy()
    areas, on_border = (np.bincount(pixels.ravel(), minlength=count) for pixels in (labels, _border(labels)))
    parts: list[_Part] = []
    for label in np.flatnonzero(areas >= _MIN_AREA * names.size):
        # Of the few large parts alone: OpenCV takes longer to tell the boxes of all than to find the parts.
        whole = (labels == label).view(np.uint8)
        left, top, width, height = cv2.boundingRect(whole)
        mask = whole[top : top + height, left : left + width].copy()
        name = int(names[top, left + mask[0].argmax()])
        # Filled it is at most as large as its box, and lies at least as much on the border.
        bound = _bound(mask.size, int(on_border[label]), names.shape)
        parts.append(_Part(bound, (name, int(label)), mask, left, top))
    return parts


def _linked(names: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(2 H - 1, 2 W - 1), the pixels apart, and 1 between neighbours of one name: one labelling does for all names."""
    height, width = names.shape
    linked = np.zeros((2 * height - 1, 2 * width - 1), np.uint8)
    linked[::2, ::2] = 1
    linked[::2, 1::2] = names[:, 1:] == names[:, :-1]
    linked[1::2, ::2] = names[1:] == names[:-1]
    return linked


def _border(values: NDArray[Any]) -> NDArray[Any]:
    """What lies on the border of a frame (H, W); the corners count twice."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _bound(area: int, on_border: int, shape: tuple[int, ...]) -> float:
    """Salience of a region that is uniform, moves and is of high contrast; with some room for rounding."""
    size = min(area / (shape[0] * shape[1]) / 0.05, 1)
    return float(size**0.5 * (1 - on_border / (2 * sum(shape))) ** 4 * (1 + 1e-9))


def _filled(part: _Part, shape: tuple[int, ...]) -> tuple[NDArray[np.bool_], tuple[slice, slice]]:
    """The part with its holes filled, in the box of which its ring is part too; and where that lies in the frame."""
    import cv2

    height, width = part.mask.shape
    top, left = min(part.top, _RING_PX), min(part.left, _RING_PX)
    bottom, right = (
        min(shape[0] - part.top - height, _RING_PX),
        min(shape[1] - part.left - width, _RING_PX),
    )
    mask = np.zeros((top + height + bottom, left + width + right), np.uint8)
    contours, _ = cv2.findContours(part.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(left, top))
    cv2.drawContours(mask, contours, -1, 1, cv2.FILLED)
    rows = slice(part.top - top, part.top + height + bottom)
    return mask.view(np.bool_), (rows, slice(part.left - left, part.left + width + right))


def _salience(
    mask: NDArray[np.bool_],
    around: tuple[slice, slice],
    frame_lab: NDArray[np.float32],
    frame_moved: NDArray[np.bool_],
    least: float,
) -> float:
    """Product of size, contrast to the surroundings, uniformity, motion, and distance from the border of the frame.

    0 where it cannot reach `least`: all factors are at most 1, and the others are cheap.
    """
    import cv2

    shape = frame_moved.shape
    area = int(np.count_nonzero(mask))
    border = _on_border(mask, around, shape) / (2 * sum(shape))
    size = min(area / frame_moved.size / 0.05, 1)
    # All that follows depends on the region and its ring alone, which are much smaller than the frame.
    lab, moved = frame_lab[around], frame_moved[around]
    motion = 0.2 + 0.8 * (np.count_nonzero(moved & mask) / area)
    if size**0.5 * motion * (1 - border) ** 4 * (1 + 1e-9) < least:
        return 0.0
    pixels = mask.view(np.uint8)
    ring = cv2.dilate(pixels, _square(2 * _RING_PX + 1)) - cv2.dilate(pixels, _square(5))
    if not ring.any():
        return 0.0
    inside = lab[mask]
    colour = _median_colour(inside)
    contrast = min(float(np.linalg.norm(colour - _median_colour(lab[ring.view(np.bool_)]))) / 60, 1)
    uniform = np.count_nonzero(_distance(inside, colour) < _MOVED) / area
    return float(size**0.5 * contrast * uniform**2 * motion * (1 - border) ** 4)


def _on_border(mask: NDArray[np.bool_], around: tuple[slice, slice], shape: tuple[int, ...]) -> int:
    """As `_border` counts them, the pixels of a region on the border of a frame of this shape."""
    rows, columns = around
    edges = (
        (rows.start == 0, mask[0]),
        (rows.stop == shape[0], mask[-1]),
        (columns.start == 0, mask[:, 0]),
        (columns.stop == shape[1], mask[:, -1]),
    )
    return sum(int(np.count_nonzero(edge)) for is_border, edge in edges if is_border)


def _median_colour(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """(3,) of colours (N, 3)."""
    ordered = np.sort(colours.T.copy(), axis=1)
    middle = len(colours) // 2
    return ordered[:, middle] if len(colours) % 2 else (ordered[:, middle - 1] + ordered[:, middle]) / np.float32(2)


@lru_cache(maxsize=2)
def _square(side: int) -> NDArray[np.uint8]:
    return np.ones((side, side), np.uint8)
