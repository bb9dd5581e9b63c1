import cv2
import numpy as np
import pytest

from extractors.base import FrameView
from extractors.dense_flow import Expert, Params

EXPERT = Expert(Params())
DIRECTIONS = {"right": (1, 0), "down": (0, 1), "left": (-1, 0), "up": (0, -1)}
CLOUD = cv2.GaussianBlur(np.random.default_rng(0).normal(128, 300, (400, 400)), (0, 0), 4).clip(0, 255).astype(np.uint8)


def view(frames, window=9, stride=8):
    starts = np.arange(0, len(frames) - window + 1, stride)
    return FrameView(np.stack(frames), starts, window, np.zeros((len(starts), 2)))


def moving(step_x, step_y, count=9):
    """A pattern that covers the frame and moves by so many pixels a frame."""
    corners = [(140 - round(step_y * k), 120 - round(step_x * k)) for k in range(count)]
    return [np.repeat(CLOUD[y : y + 120, x : x + 160, None], 3, axis=2) for y, x in corners]


def histogram(features):
    """(A, V), what moves where at which speed."""
    return features[: 8 * 4].reshape(8, 4)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_a_moving_pattern_counts_in_the_bin_of_its_direction(name):
    step_x, step_y = DIRECTIONS[name]
    (features,) = EXPERT.prepare(view(moving(3 * step_x, 3 * step_y)))
    assert histogram(features).sum(axis=1).argmax() == 2 * list(DIRECTIONS).index(name)


@pytest.mark.parametrize(("step_px", "speed_bin"), [(1, 0), (3, 1), (6, 2), (10, 3)])
def test_speed_is_in_short_sides_per_second(step_px, speed_bin):
    # 8 frames a second and a short side of 120 px: 0.067, 0.2, 0.4 and 0.67; the bins start at 0.04, 0.15, 0.3, 0.6.
    (features,) = EXPERT.prepare(view(moving(step_px, 0)))
    assert histogram(features)[0].argmax() == speed_bin


def test_what_stands_still_is_zeros_also_when_it_is_one_frame():
    for count in (9, 17):
        features = EXPERT.prepare(view(moving(0, 0, count)))
        assert features.shape == (count // 8, EXPERT.dim)
        assert not features.any()


def test_the_part_that_moves_is_the_one_in_the_grid():
    still = np.repeat(CLOUD[200:320, 200:360, None], 3, axis=2)
    frames = []
    for patch in moving(3, 0):
        frame = still.copy()
        frame[5:35, 115:155] = patch[5:35, 115:155]
        frames.append(frame)
    (features,) = EXPERT.prepare(view(frames))
    parts = features[8 * 4 + 4 + 1 :].reshape(9, 8 + 1)
    assert parts[:, 8].argmax() == 2
    assert 0 < features[8 * 4 + 4] < 0.5


def test_an_item_depends_on_its_own_frames_only():
    frames = moving(3, 0) + moving(0, -3, 8)
    first, second = EXPERT.prepare(view(frames))
    np.testing.assert_array_equal(first, EXPERT.prepare(view(frames[:9]))[0])
    np.testing.assert_array_equal(second, EXPERT.prepare(view(frames[8:]))[0])


def test_the_number_of_threads_changes_nothing():
    before, clip = cv2.getNumThreads(), view(moving(3, 1))
    try:
        results = []
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            results.append(EXPERT.prepare(clip))
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_no_frames_are_no_items():
    empty = FrameView(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, int), 9, np.zeros((0, 2)))
    assert EXPERT.prepare(empty).shape == (0, EXPERT.dim)


@pytest.mark.parametrize(
    "wrong",
    [{"fps": 0.0}, {"window": 1}, {"short_px": 8}, {"speeds": ()}, {"speeds": (0.2, 0.1)}, {"speeds": (0.0, 1.0)}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"above 0|at least"):
        Params(**wrong)


@pytest.mark.parametrize(
    ("directions", "grid", "speeds"), [(8, 3, (0.04, 0.15, 0.3, 0.6)), (5, 1, (0.1,)), (1, 2, (0.5,))]
)
def test_every_pixel_counts_in_the_bin_that_numpy_finds(directions, grid, speeds):
    params = Params(directions=directions, grid=grid, speeds=speeds)
    flow = np.random.default_rng(0).normal(0, 4, (60, 80, 2)).astype(np.float32)
    flow[0, 0], flow[0, 1], flow[0, 2] = (0, 0), (-3, 0), (np.float32(speeds[0]) * 60 / 8, 0)

    class Known:
        def calc(self, before, after, flow_before):
            return flow

    counts = Expert(params)._count(Known(), *np.zeros((2, 60, 80), np.uint8))
    expected = np.zeros_like(counts)
    speed = np.hypot(flow[..., 0], flow[..., 1]) * params.fps / 60
    angle = np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)
    for row in range(60):
        for column in range(80):
            cell = row * grid // 60 * grid + column * grid // 80
            direction = int(np.round(angle[row, column] * directions)) % directions
            expected[cell, direction, np.digitize(speed[row, column], speeds)] += 1
    np.testing.assert_array_equal(counts, expected)
