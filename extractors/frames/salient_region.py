"""Finds the most salient region of a frame: of one colour, in contrast to its surroundings, and moving.

T frames of H x W pixels, P colours of the palette.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
    cubes = np.moveaxis(np.indices((32, 32, 32)) * 8 + 4, 0, -1).astype(np.uint8)
    palette = to_lab(np.array(list(PALETTE.values()), np.uint8))
    distances = [np.linalg.norm(to_lab(cubes) - colour, axis=-1) for colour in palette]
    return np.asarray(np.argmin(distances, axis=0), np.uint8)


def find_regions(lab: NDArray[np.float32], names: NDArray[np.uint8]) -> list[Region]:
    """The most salient region of each frame, from the frames in Lab (T, H, W, 3) and their colour names (T, H, W)."""
    background = np.median(lab, axis=0)
    moved = np.linalg.norm(lab - background, axis=-1) > _MOVED
    return [_find(*frame) for frame in zip(lab, names, moved, strict=True)]


def _find(lab: NDArray[np.float32], names: NDArray[np.uint8], moved: NDArray[np.bool_]) -> Region:
    best = Region(np.zeros(names.shape, np.bool_), 0.0)
    for mask in _uniform_parts(names):
        salience = _salience(mask, lab, moved, best.salience)
        if salience > best.salience:
            best = Region(mask, salience)
    return best


def _uniform_parts(names: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """Masks (H, W) of the connected components of one colour name, without tiny ones, with holes filled."""
    import cv2

    parts: list[NDArray[np.bool_]] = []
    for name in np.unique(names):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((names == name).astype(np.uint8), connectivity=4)
        large = np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= _MIN_AREA * names.size) + 1
        parts.extend(_filled((labels == label).astype(np.uint8)) for label in large)
    return parts


def _filled(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    import cv2

    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(mask), contours, -1, 1, cv2.FILLED)
    return np.asarray(filled, np.bool_)


def _salience(mask: NDArray[np.bool_], lab: NDArray[np.float32], moved: NDArray[np.bool_], least: float) -> float:
    """Product of size, contrast to the surroundings, uniformity, motion, and distance from the border of the frame.

    0 where it cannot be above `least`: all factors are at most 1, and those of the mask alone are cheap.
    """
    import cv2

    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()
    size = min(float(mask.mean()) / 0.05, 1)
    if size**0.5 * (1 - border) ** 4 <= least:
        return 0.0
    # All that follows depends on the region and its ring alone, which are much smaller than the frame.
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    around = np.s_[max(0, top - _RING_PX) : top + height + _RING_PX, max(0, left - _RING_PX) : left + width + _RING_PX]
    mask, lab, moved = mask[around], lab[around], moved[around]
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((2 * _RING_PX + 1,) * 2, np.uint8)).astype(np.bool_)
    ring = grown & ~cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
    if not ring.any():
        return 0.0
    inside = lab[mask]
    colour = np.median(inside, axis=0)
    contrast = min(float(np.linalg.norm(colour - np.median(lab[ring], axis=0))) / 60, 1)
    uniform = float((np.linalg.norm(inside - colour, axis=1) < _MOVED).mean())
    return float(size**0.5 * contrast * uniform**2 * (0.2 + 0.8 * moved[mask].mean()) * (1 - border) ** 4)
