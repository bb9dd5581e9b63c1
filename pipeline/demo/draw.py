"""The pictures of a demo video: a background, a sign and a photo on it, and a shape that moves in a part of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.demo.ground_truth import Facts
from pipeline.demo.scenes import Pixels, scene

Points = NDArray[np.float64]

PAINTS = {
    "red": (214, 30, 34),
    "blue": (28, 66, 214),
    "green": (22, 152, 46),
    "yellow": (246, 216, 24),
    "purple": (134, 38, 168),
    "orange": (244, 126, 16),
    "white": (250, 250, 250),
    "black": (12, 12, 12),
}
LIGHT_PAINTS = ("yellow", "white")
"""These get a dark outline, the others a light one."""

SPEEDS_PX_S = {"": (0, 0), "slow": (42, 52), "fast": (125, 150)}
SHAPE_PX = (74, 82)
CIRCLE_RADIUS_PX = 34

PHOTO_PX = (104, 114)
"""Width and height; the face in it is some 62 px tall."""
PHOTO_CROP = (slice(8, 206), slice(128, 309))
"""Rows and columns of the astronaut's head in scikit-image's photo."""

FRAME_PX = 3
"""Of the white frame around the photo."""

SIGN_HEIGHT_PX = 42
LETTERS_PX = 28
"""Font size: capitals are 20 px tall."""
BOARDS = ((244, 240, 226), (250, 244, 196), (222, 236, 246), (248, 248, 248))

BAND_PX = 128
"""Height of the band of sign and photo where the shape moves sideways."""
COLUMN_PX = 164
"""Width of the column of sign and photo where the shape moves otherwise."""
MARGIN_PX = 4


@dataclass(frozen=True)
class Box:
    """A part of the frame, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def place(self, width: int, height: int, chance: np.random.Generator) -> tuple[int, int]:
        """Left and top of something of this size at a random place in the box, with a margin."""
        left, top = self.left + MARGIN_PX, self.top + MARGIN_PX
        spare_width, spare_height = self.width - width - 2 * MARGIN_PX, self.height - height - 2 * MARGIN_PX
        return left + int(chance.integers(spare_width + 1)), top + int(chance.integers(spare_height + 1))


@dataclass(frozen=True)
class Layout:
    """Where things go; no two parts overlap."""

    shape: Box
    sign: Box
    photo: Box


def frames(facts: Facts, width_px: int, height_px: int, fps: int) -> Iterator[Pixels]:
    """All frames of a video in order, each (H, W, 3) uint8 RGB."""
    chance = np.random.default_rng(list(facts.key.encode()))
    layout = _layout(facts.direction, width_px, height_px, chance)
    empty = scene(facts.scene, height_px, width_px, chance)
    if facts.word:
        _paste(empty, sign(facts.word, chance), layout.sign, chance)
    with_photo = empty.copy()
    if facts.face:
        _paste(with_photo, photo(facts.face, chance), layout.photo, chance)
    outline, path = _shape(facts, layout.shape, fps, chance)
    for index, center in enumerate(path):
        part = {"first half": 2 * index < len(path), "second half": 2 * index >= len(path)}
        frame = (with_photo if part.get(facts.face_time, True) else empty).copy()
        _fill(frame, outline + center, facts.color)
        yield frame


def _layout(direction: str, width: int, height: int, chance: np.random.Generator) -> Layout:
    first, second = bool(chance.integers(2)), bool(chance.integers(2))
    photo_width, photo_height = (side + 2 * (FRAME_PX + MARGIN_PX) for side in PHOTO_PX)
    if direction in {"left", "right"} or (direction == "still" and chance.integers(2)):
        top = 0 if first else height - BAND_PX
        left = 0 if second else width - photo_width
        return Layout(
            shape=Box(0, BAND_PX if first else 0, width, height - BAND_PX),
            sign=Box(photo_width if second else 0, top, width - photo_width, BAND_PX),
            photo=Box(left, top, photo_width, BAND_PX),
        )
    left = 0 if first else width - COLUMN_PX
    photo_top = 0 if second else height - photo_height
    return Layout(
        shape=Box(COLUMN_PX if first else 0, 0, width - COLUMN_PX, height),
        sign=Box(left, photo_height if second else 0, COLUMN_PX, height - photo_height),
        photo=Box(left if first else width - photo_width, photo_top, photo_width, photo_height),
    )


def _paste(frame: Pixels, picture: Pixels, box: Box, chance: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    left, top = box.place(width, height, chance)
    frame[top : top + height, left : left + width] = picture


def sign(word: str, chance: np.random.Generator) -> Pixels:
    """A light board with the word in dark letters, (SIGN_HEIGHT_PX, some 90 to 160, 3) uint8."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf"), LETTERS_PX)
    width = int(font.getlength(word)) + 14
    board = Image.new("RGB", (width, SIGN_HEIGHT_PX), BOARDS[chance.integers(len(BOARDS))])
    draw = ImageDraw.Draw(board)
    draw.rectangle((0, 0, width - 1, SIGN_HEIGHT_PX - 1), outline=(70, 60, 50), width=2)
    draw.text((width / 2, SIGN_HEIGHT_PX / 2), word, fill=(28, 28, 40), font=font, anchor="mm")
    return np.array(board)


def photo(style: str, chance: np.random.Generator) -> Pixels:
    """The astronaut in a white frame, (H, W, 3) uint8, mirrored or not."""
    from skimage import data

    astronaut: Pixels = data.astronaut()  # type: ignore[no-untyped-call]
    head = cv2.resize(astronaut[PHOTO_CROP], PHOTO_PX, interpolation=cv2.INTER_AREA)
    if chance.integers(2):
        head = head[:, ::-1]
    if style == "grey":
        head = np.repeat(head.mean(axis=2, keepdims=True), 3, axis=2)
    gain = chance.uniform(0.4, 0.5) if style == "dim" else chance.uniform(0.95, 1.1)
    head = (head * gain).clip(0, 255).astype(np.uint8)
    return np.pad(head, ((FRAME_PX, FRAME_PX), (FRAME_PX, FRAME_PX), (0, 0)), constant_values=245)


def _shape(facts: Facts, box: Box, fps: int, chance: np.random.Generator) -> tuple[Points, Points]:
    """The outline around (0, 0), (P, 2), and its centre in every frame, (T, 2), as x and y in pixels."""
    size_px = chance.uniform(*SHAPE_PX)
    distance_px = np.arange(round(facts.duration_s * fps)) / fps * chance.uniform(*SPEEDS_PX_S[facts.speed])
    middle = np.array([box.left + box.width / 2, box.top + box.height / 2])
    if facts.direction == "circles":
        angle = chance.uniform(0, 2 * np.pi) + chance.choice((-1, 1)) * distance_px / CIRCLE_RADIUS_PX
        path = middle + CIRCLE_RADIUS_PX * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    else:
        heading = np.array(HEADINGS[facts.direction], dtype=np.float64)
        room = np.array([box.width, box.height]) / 2
        start = middle + chance.uniform(-8, 8, 2) - heading * chance.uniform(0.2, 0.5) * room
        path = _wrap(start + heading * distance_px[:, None], box, size_px)
    return OUTLINES[facts.shape] * size_px / 2, path


def _wrap(path: Points, box: Box, size_px: float) -> Points:
    """The path where what has left the frame on one side comes in again on the other."""
    corner = np.array([box.left, box.top]) - size_px / 2
    period = np.array([box.width, box.height]) + size_px
    return np.mod(path - corner, period) + corner


def _fill(frame: Pixels, points: Points, color: str) -> None:
    # OpenCV takes fixed point with 4 bits after the point: without them slow shapes would jump from pixel to pixel.
    polygon = [np.round(points * 16).astype(np.int32)]
    cv2.fillPoly(frame, polygon, PAINTS[color], cv2.LINE_AA, shift=4)
    edge = (60, 56, 60) if color in LIGHT_PAINTS else (236, 236, 232)
    cv2.polylines(frame, polygon, True, edge, 2, cv2.LINE_AA, shift=4)


def _turn(num_points: int, radii: tuple[float, ...], start: float = -np.pi / 2) -> Points:
    angle = start + 2 * np.pi * np.arange(num_points) / num_points
    radius = np.resize(np.array(radii), num_points)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _heart() -> Points:
    angle = 2 * np.pi * np.arange(60) / 60
    x = 16 * np.sin(angle) ** 3
    y = 13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle)
    return np.stack([x, -y - 2], axis=1) / 16


def _cross(arm: float = 0.34) -> Points:
    quarter = np.array([[-arm, -1], [arm, -1], [arm, -arm]])
    turns = [np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), turn) for turn in range(4)]
    return np.concatenate([quarter @ turn.T for turn in turns])


HEADINGS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1), "still": (0, 0)}
OUTLINES: dict[str, Points] = {
    "circle": _turn(64, (1.0,)),
    "square": _turn(4, (1.25,), np.pi / 4),
    "triangle": _turn(3, (1.2,)) + np.array([0, 0.2]),
    "star": _turn(10, (1.1, 0.45)),
    "cross": _cross(),
    "heart": _heart(),
}
"""Each (P, 2), within about -1 to 1."""
