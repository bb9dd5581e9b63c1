from fractions import Fraction

import cv2
import numpy as np
import pytest

from extractors.base import FrameView
from extractors.colour_shape import Expert, Params, describe_shape
from extractors.frames.salient_region import PALETTE
from pipeline.media.video import frames_at, probe
from tests.clips import make_clip

EXPERT = Expert(Params())
NAMES = list(PALETTE)


def view(frames):
    return FrameView(frames, np.arange(len(frames)), 1, np.zeros((len(frames), 2)))


def wall(count):
    noise = np.random.default_rng(0).integers(110, 130, (120, 160, 3)).astype(np.uint8)
    return np.repeat(noise[None], count, axis=0)


def polygon(corners, turn_degrees=0.0, radius=40, side=120):
    """The mask of a regular polygon; of a star where `corners` is negative."""
    number = abs(corners) * (2 if corners < 0 else 1)
    radii = np.where(np.arange(number) % 2, 0.45, 1.0) if corners < 0 else np.ones(number)
    angles = 2 * np.pi * np.arange(number) / number + np.radians(turn_degrees)
    points = side / 2 + radius * radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return cv2.fillPoly(np.zeros((side, side), np.uint8), [np.round(points).astype(np.int32)], 1).astype(bool)


def harmonics(mask):
    return describe_shape(mask)[144:152]


@pytest.mark.parametrize("name", ["red", "blue", "green", "yellow", "purple", "orange", "white", "black"])
def test_the_colour_of_the_thing_comes_first(name):
    frames = wall(3)
    for step, frame in enumerate(frames):
        frame[40:80, 20 + 30 * step : 60 + 30 * step] = PALETTE[name]
    features = EXPERT.prepare(view(frames))
    assert features.dtype == np.float32
    assert {NAMES[index] for index in features[:, : len(NAMES)].argmax(axis=1)} == {name}


def test_the_layout_says_which_part_of_the_picture_has_which_colour():
    frames = wall(2)
    frames[:, :40, 110:] = PALETTE["blue"]
    layout = EXPERT.prepare(view(frames))[0, len(NAMES) + 3 :][: 9 * len(NAMES)].reshape(9, len(NAMES))
    assert layout[:, NAMES.index("blue")].argmax() == 2


@pytest.mark.parametrize("corners", [3, 4, 5])
def test_a_polygon_of_k_corners_has_the_kth_harmonic_however_it_is_turned(corners):
    for turn in (0, 17, 40):
        assert harmonics(polygon(corners, turn)).argmax() == corners - 1


def test_a_circle_has_no_harmonics_and_a_star_has_its_fifth():
    circle = cv2.circle(np.zeros((120, 120), np.uint8), (60, 60), 40, 1, -1).astype(bool)
    assert harmonics(circle).max() < 0.03
    assert harmonics(polygon(-5)).argmax() == 4
    assert harmonics(polygon(-5)).max() > 0.5


def test_roundness_and_solidity_are_those_of_geometry():
    square = np.zeros((120, 120), bool)
    square[20:100, 20:100] = True
    solidity, roundness, extent, elongated = describe_shape(square)[152:156]
    assert solidity == pytest.approx(1, abs=0.01)
    assert roundness == pytest.approx(np.pi / 4, abs=0.03)
    assert extent == 1
    assert elongated == pytest.approx(1, abs=0.01)


def test_a_shape_looks_the_same_elsewhere_and_at_another_size():
    small, large = polygon(3, radius=25), np.roll(polygon(3, radius=50), 8, axis=0)
    assert np.abs(describe_shape(small) - describe_shape(large)).max() < 0.12


@pytest.mark.parametrize("value", [0, 255])
def test_a_blank_picture_has_a_layout_and_no_thing(value):
    features = EXPERT.prepare(view(np.full((2, 120, 160, 3), value, np.uint8)))
    assert np.isfinite(features).all()
    assert not features[:, : len(NAMES) + 3].any()
    assert features[:, len(NAMES) + 3 :].any()


def test_no_frames_are_no_items():
    assert EXPERT.prepare(FrameView(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, int), 1, np.zeros((0, 2)))).shape == (
        (0, EXPERT.dim)
    )


@pytest.mark.parametrize("wrong", [{"fps": 0.0}, {"short_px": 8}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Params(**wrong)


def mean_row(path):
    """The mean of the features of a clip."""
    info = probe(path)
    frames = np.stack([pixels for _, pixels in frames_at(path, info.frame_times_s, info)])
    return EXPERT.prepare(view(frames)).mean(axis=0)


def test_a_disc_of_wide_pixels_is_the_disc_of_square_ones(tmp_path):
    def disc(width, radius_x):
        pixels = np.full((240, width, 3), (20, 60, 140), np.uint8)
        return cv2.ellipse(pixels, (width // 2, 120), (radius_x, 70), 0, 0, 360, (220, 30, 30), -1)

    rows = []
    for name, width, radius_x, aspect in (("wide", 160, 35, Fraction(2)), ("square", 320, 70, Fraction(1))):
        pixels = disc(width, radius_x)
        path = make_clip(
            tmp_path / f"{name}.mp4",
            size=(width, 240),
            sound=None,
            seconds=0.2,
            picture=lambda index, pixels=pixels: pixels,
            pixel_aspect=aspect,
        )
        rows.append(mean_row(path))
    wide, square = rows
    assert wide @ square / np.linalg.norm(wide) / np.linalg.norm(square) > 0.99
