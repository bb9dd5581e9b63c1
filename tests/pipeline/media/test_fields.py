import numpy as np
import pytest

from pipeline.media.fields import FEWEST_LINES, deinterlaced
from tests.pipeline.media.sample_frames import flagged, flat_frame


def test_a_progressive_frame_is_the_same_object():
    frame = flat_frame((64, 48), "yuv420p", (100, 90, 170), 5, False)
    assert deinterlaced(frame) is frame


@pytest.mark.parametrize("lines", [FEWEST_LINES - 1, FEWEST_LINES, 48])
def test_a_flat_frame_that_is_flagged_stays_flat_and_is_progressive_then(lines):
    frame = flagged(flat_frame((64, lines), "yuv444p", (100, 90, 170), 5, False), "tff")
    shown = deinterlaced(frame)
    assert frame.interlaced_frame and not shown.interlaced_frame
    np.testing.assert_array_equal(shown.to_ndarray(), frame.to_ndarray())


def test_a_format_that_the_filter_cannot_take_is_left_combed():
    frame = flagged(flat_frame((64, 48), "gray10le", (100,), 5, True), "tff")
    np.testing.assert_array_equal(deinterlaced(frame).to_ndarray(), frame.to_ndarray())
