"""Draws the frames of a demo video: a background with a sign and a photo, and a shape that moves beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.demo.ground_truth import Facts
from pipeline.demo.photographs import photograph
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
"""Shapes in these colours get a dark outline, the others a light one."""

SPEEDS_PX_S = {"": (0, 0), "slow": (42, 52), "fast": (125, 150)}
SHAPE_PX = (74, 82)
CIRCLE_RADIUS_PX = 34

PHOTO_PX = (104, 114)
"""Width and height; the face in it is about 62 px tall."""
PHOTO_CROP = (slice(8, 206), slice(128, 309))
"""Rows and columns of the head in scikit-image's astronaut photo."""

BORDER_PX = 3
"""Width of the white border around the photo."""

SIGN_HEIGHT_PX = 42
LETTERS_PX = 28
"""Font size: capitals are 20 px tall."""
BOARDS = ((244, 240, 226), (250, 244, 196), (222, 236, 246), (248, 248, 248))

BAND_PX = 128
"""Height of the band that holds sign and photo when the shape moves sideways."""
COLUMN_PX = 164
"""Width of the column that holds sign and photo when the shape moves in another way."""
MARGIN_PX = 4


@dataclass(frozen=True)
class Box:
    """A rectangle of the frame, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def place(self, width: int, height: int, rng: np.random.Generator) -> tuple[int, int]:
        """A random position (left, top) in the box for an object of this size, with a margin."""
        left, top = self.left + MARGIN_PX, self.top + MARGIN_PX
        spare_width, spare_height = self.width - width - 2 * MARGIN_PX, self.height - height - 2 * MARGIN_PX
        return left + int(rng.integers(spare_width + 1)), top + int(rng.integers(spare_height + 1))


@dataclass(frozen=True)
class Layout:
    """The boxes of the objects in a frame; they do not overlap."""

    shape: Box
    sign: Box
    photo: Box


def frames(facts: Facts, width_px: int, height_px: int, fps: int) -> Iterator[Pixels]:
    """All frames of a video in order, each (H, W, 3) uint8 RGB."""
    rng = np.random.default_rng(list(facts.key.encode()))
    layout = _layout(facts.direction, width_px, height_px, rng)
    if facts.thing:
        background = photograph(facts.thing, height_px, width_px, rng)
    else:
        background = scene(facts.scene or "", height_px, width_px, rng)
    if facts.word:
        _paste(background, sign(facts.word, rng), layout.sign, rng)
    with_photo = background.copy()
    if facts.face:
        _paste(with_photo, photo(facts.face, rng), layout.photo, rng)
    outline, path = _shape(facts, layout.shape, fps, rng)
    for index, center in enumerate(path):
        has_photo = {"first half": 2 * index < len(path), "second half": 2 * index >= len(path)}
        frame = (with_photo if has_photo.get(facts.face_time, True) else background).copy()
        _fill(frame, outline + center, facts.color)
        yield frame


def _layout(direction: str, width: int, height: int, rng: np.random.Generator) -> Layout:
    first, second = bool(rng.integers(2)), bool(rng.integers(2))
    photo_width, photo_height = (side + 2 * (BORDER_PX + MARGIN_PX) for side in PHOTO_PX)
    if direction in {"left", "right"} or (direction == "still" and rng.integers(2)):
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


def _paste(frame: Pixels, picture: Pixels, box: Box, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    left, top = box.place(width, height, rng)
    frame[top : top + height, left : left + width] = picture


def sign(word: str, rng: np.random.Generator) -> Pixels:
    """A light sign with the word in dark letters, (SIGN_HEIGHT_PX, about 90 to 160, 3) uint8."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf"), LETTERS_PX)
    width = int(font.getlength(word)) + 14
    board = Image.new("RGB", (width, SIGN_HEIGHT_PX), BOARDS[rng.integers(len(BOARDS))])
    draw = ImageDraw.Draw(board)
    draw.rectangle((0, 0, width - 1, SIGN_HEIGHT_PX - 1), outline=(70, 60, 50), width=2)
    draw.text((width / 2, SIGN_HEIGHT_PX / 2), word, fill=(28, 28, 40), font=font, anchor="mm")
    return np.array(board)


def photo(style: str, rng: np.random.Generator) -> Pixels:
    """The astronaut's head with a white border, (H, W, 3) uint8, mirrored at random; `style` is one of FACES."""
    from skimage import data

    astronaut: Pixels = data.astronaut()  # type: ignore[no-untyped-call]
    head = cv2.resize(astronaut[PHOTO_CROP], PHOTO_PX, interpolation=cv2.INTER_AREA)
    if rng.integers(2):
        head = head[:, ::-1]
    if style == "grey":
        head = np.repeat(head.mean(axis=2, keepdims=True), 3, axis=2)
    gain = rng.uniform(0.4, 0.5) if style == "dim" else rng.uniform(0.95, 1.1)
    head = (head * gain).clip(0, 255).astype(np.uint8)
    return np.pad(head, ((BORDER_PX, BORDER_PX), (BORDER_PX, BORDER_PX), (0, 0)), constant_values=245)


def _shape(facts: Facts, box: Box, fps: int, rng: np.random.Generator) -> tuple[Points, Points]:
    """The shape's outline around (0, 0), (P, 2), and its centre in every frame, (T, 2); x and y in pixels."""
    size_px = rng.uniform(*SHAPE_PX)
    distance_px = np.arange(round(facts.duration_s * fps)) / fps * rng.uniform(*SPEEDS_PX_S[facts.speed])
    middle = np.array([box.left + box.width / 2, box.top + box.height / 2])
    if facts.direction == "circles":
        angle = rng.uniform(0, 2 * np.pi) + rng.choice((-1, 1)) * distance_px / CIRCLE_RADIUS_PX
        path = middle + CIRCLE_RADIUS_PX * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    else:
        heading = np.array(HEADINGS[facts.direction], dtype=np.float64)
        room = np.array([box.width, box.height]) / 2
        start = middle + rng.uniform(-8, 8, 2) - heading * rng.uniform(0.2, 0.5) * room
        path = _wrap(start + heading * distance_px[:, None], box, size_px)
    return OUTLINES[facts.shape] * size_px / 2, path


def _wrap(path: Points, box: Box, size_px: float) -> Points:
    """The path wrapped around the box: a shape that leaves on one side enters again on the other."""
    corner = np.array([box.left, box.top]) - size_px / 2
    period = np.array([box.width, box.height]) + size_px
    return np.mod(path - corner, period) + corner


def _fill(frame: Pixels, points: Points, color: str) -> None:
    # Fixed-point coordinates with 4 fractional bits: with whole pixels slow shapes would move in jerks.
    polygon = [np.round(points * 16).astype(np.int32)]
    cv2.fillPoly(frame, polygon, PAINTS[color], cv2.LINE_AA, shift=4)
    edge = (60, 56, 60) if color in LIGHT_PAINTS else (236, 236, 232)
    cv2.polylines(frame, polygon, True, edge, 2, cv2.LINE_AA, shift=4)


def _polygon(num_points: int, radii: tuple[float, ...], start: float = -np.pi / 2) -> Points:
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
    "circle": _polygon(64, (1.0,)),
    "square": _polygon(4, (1.25,), np.pi / 4),
    "triangle": _polygon(3, (1.2,)) + np.array([0, 0.2]),
    "star": _polygon(10, (1.1, 0.45)),
    "cross": _cross(),
    "heart": _heart(),
}
"""Shape -> its outline (P, 2), within about -1 to 1."""
