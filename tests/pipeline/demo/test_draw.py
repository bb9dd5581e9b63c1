from dataclasses import replace

import numpy as np

from pipeline.demo.draw import frames
from tests.pipeline.demo.red_square import RED_SQUARE


def red_center(picture):
    """x and y in pixels of what is red."""
    red = (picture[..., 0] > 180) & (picture[..., 1] < 90)
    return np.argwhere(red).mean(axis=0)[::-1]


def test_a_shape_moves_the_way_its_facts_say():
    def travelled(direction):
        first, *_, last = frames(replace(RED_SQUARE, direction=direction), 320, 240, 6)
        return red_center(last) - red_center(first)

    for direction, (x, y) in {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}.items():
        assert 60 < travelled(direction) @ (x, y) < 110
        assert abs(travelled(direction) @ (y, x)) < 2
    assert abs(travelled("still")).max() < 1


def test_a_face_of_the_second_half_is_not_in_the_first():
    half = list(
        frames(replace(RED_SQUARE, direction="still", speed="", face="colour", face_time="second half"), 320, 240, 6)
    )
    differs = [bool((picture != half[0]).any()) for picture in half]
    assert differs == [False] * 6 + [True] * 6


def test_larger_frames_hold_the_same_things():
    assert next(frames(replace(RED_SQUARE, word="MUSEUM", face="dim", face_time="throughout"), 480, 360, 6)).shape == (
        360,
        480,
        3,
    )
