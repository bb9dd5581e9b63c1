"""Draws the backgrounds of demo videos: muted textures that differ in spatial frequency and orientation.

H, W: frame size in pixels; every texture is (H, W) float in [0, 1].
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Texture = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Color = tuple[int, int, int]


def scene(name: str, height_px: int, width_px: int, rng: np.random.Generator) -> Pixels:
    """A still background, (H, W, 3) uint8 RGB; `name` is a key of SCENES."""
    draw, dark, light = SCENES[name]
    texture = draw(height_px, width_px, rng)[..., None]
    pixels = np.array(dark) * (1 - texture) + np.array(light) * texture
    pixels += rng.uniform(-8, 8) + rng.normal(0, 2, pixels.shape[:2])[..., None]
    return pixels.clip(0, 255).astype(np.uint8)


def _grid(height: int, width: int) -> tuple[Texture, Texture]:
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    return rows, columns


def _brick_wall(height: int, width: int, rng: np.random.Generator) -> Texture:
    length, thickness, mortar = rng.integers(36, 46), rng.integers(16, 21), 2
    rows, columns = _grid(height, width)
    course = rows // thickness
    shifted = columns + (course % 2) * length / 2
    joint = (rows % thickness < mortar) | (shifted % length < mortar)
    shades = rng.uniform(0.0, 0.35, (64, 64))[course.astype(int) % 64, (shifted // length).astype(int) % 64]
    return np.where(joint, 1.0, shades)


def _striped_curtain(height: int, width: int, rng: np.random.Generator) -> Texture:
    rows, columns = _grid(height, width)
    period, phase = rng.uniform(20, 28), rng.uniform(0, 6)
    return 0.5 + 0.5 * np.sin(2 * np.pi * columns / period + phase + 0.3 * np.sin(rows / 60))


def _chequered_floor(height: int, width: int, rng: np.random.Generator) -> Texture:
    rows, columns = _grid(height, width)
    side, shift = rng.integers(28, 40), rng.integers(0, 30)
    return np.mod((rows + shift) // side + (columns + shift) // side, 2.0)


def _starry_night(height: int, width: int, rng: np.random.Generator) -> Texture:
    sky = np.zeros((height, width))
    for _ in range(height * width // 500):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(sky, (x, y), int(rng.integers(0, 3)), float(rng.uniform(0.6, 1.0)), -1, cv2.LINE_AA)
    return sky


def _wavy_water(height: int, width: int, rng: np.random.Generator) -> Texture:
    rows, columns = _grid(height, width)
    period, phase = rng.uniform(16, 22), rng.uniform(0, 6)
    bend = 5 * np.sin(2 * np.pi * columns / rng.uniform(70, 90) + phase)
    waves: Texture = np.sin(2 * np.pi * (rows + bend) / period)
    return 0.5 + 0.5 * waves


def _grass_field(height: int, width: int, rng: np.random.Generator) -> Texture:
    # A vertical blur turns noise into blades.
    noise = rng.normal(0, 1, (height, width))
    blades: Texture = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigmaX=0.7, sigmaY=4), np.float64)
    return (0.5 + blades / (4 * float(blades.std()))).clip(0, 1)


def _plain_wall(height: int, width: int, rng: np.random.Generator) -> Texture:
    rows, columns = _grid(height, width)
    return 0.5 + 0.25 * (rows / height - 0.5) + rng.uniform(-0.3, 0.3) * (columns / width - 0.5)


def _polka_dots(height: int, width: int, rng: np.random.Generator) -> Texture:
    rows, columns = _grid(height, width)
    # Text detectors take finer dots for letters, and then miss the word on a sign among them.
    pitch, radius = rng.uniform(44, 52), rng.uniform(12, 15)
    shifted = columns + (rows // pitch % 2) * pitch / 2
    distance = np.hypot(rows % pitch - pitch / 2, shifted % pitch - pitch / 2)
    return (radius - distance + 0.5).clip(0, 1)


SCENES: dict[str, tuple[Callable[[int, int, np.random.Generator], Texture], Color, Color]] = {
    "brick wall": (_brick_wall, (142, 104, 90), (190, 182, 170)),
    "striped curtain": (_striped_curtain, (112, 98, 116), (168, 156, 170)),
    "chequered floor": (_chequered_floor, (104, 104, 102), (176, 172, 164)),
    "starry night": (_starry_night, (44, 50, 76), (226, 226, 210)),
    "wavy water": (_wavy_water, (88, 122, 138), (140, 168, 176)),
    "grass field": (_grass_field, (84, 106, 72), (148, 160, 112)),
    "plain wall": (_plain_wall, (158, 150, 136), (184, 176, 162)),
    "polka dots": (_polka_dots, (172, 160, 156), (112, 104, 118)),
}
"""Name -> (function that draws the texture, RGB colour of texture 0, RGB colour of texture 1)."""
