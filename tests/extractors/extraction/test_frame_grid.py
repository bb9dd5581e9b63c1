import numpy as np
import pytest

from extractors.extraction.frame_grid import GridFrames


def frame(value):
    return np.full((2, 3, 3), value, np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_frames_that_come_one_after_another_are_copied_once(dtype):
    frames, reused = GridFrames(5), np.empty((2, 3, 3), dtype)
    for index in range(4, 8):
        reused[:] = index
        frames.add(index, reused)
    row = frames.in_order()
    assert (row.dtype, row.shape) == (dtype, (4, 2, 3, 3))
    np.testing.assert_array_equal(row[:, 0, 0, 0], [4, 5, 6, 7])
    assert all(np.shares_memory(row, one) for one in frames.values())


def test_frames_that_are_repeated_before_and_after_stand_in_their_order():
    frames = GridFrames(2)
    frames.add(3, frame(30))
    frames.add(4, frame(40))
    frames[2], frames[5] = frames[3], frames[4]
    np.testing.assert_array_equal(frames.in_order()[:, 0, 0, 0], [30, 30, 40, 40])


def test_frames_that_do_not_decode_leave_no_gap():
    frames = GridFrames(4)
    for index in (0, 3):
        frames.add(index, frame(index))
    np.testing.assert_array_equal(frames.in_order()[:, 0, 0, 0], [0, 3])


def test_what_is_cleared_is_let_go_of():
    frames = GridFrames(1)
    frames.add(0, frame(1))
    frames.clear()
    assert (len(frames), frames._row) == (0, None)
