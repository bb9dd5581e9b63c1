import numpy as np
import pytest

from pipeline.media.info import VideoInfo


def info_of(times_s, end_s, duration_s=None):
    return VideoInfo(np.array(times_s, float), end_s, duration_s or end_s, 4, 3, True, False, "")


SLIDES = info_of([0.0, 4.0, 9.0], 12.0)


@pytest.mark.parametrize(
    ("span", "times_s", "end_s"),
    [
        ((3.0, 9.5), [0.0, 1.0, 6.0], 6.5),  # begins with the frame before it
        ((4.0, 9.0), [0.0], 5.0),  # the frame at its end is not of it
        ((5.0, 6.0), [0.0], 1.0),
        ((3.9999, 4.5), [0.0], 0.5001),  # containers round to a millisecond
        ((0.0, 12.0), [0.0, 4.0, 9.0], 12.0),
    ],
)
def test_a_piece_begins_with_the_frame_that_is_shown_at_its_start(span, times_s, end_s):
    found = SLIDES.cut(*span)
    np.testing.assert_allclose(found.frame_times_s, times_s, atol=1e-3)
    assert found.end_s == pytest.approx(end_s)
    assert found.duration_s == pytest.approx(span[1] - span[0])
    assert found.has_video


def test_a_picture_that_begins_late_begins_late_in_a_piece_too():
    np.testing.assert_allclose(info_of([2.0, 2.5], 3.0).cut(1.5, 3.0).frame_times_s, [0.5, 1.0])


def test_after_the_end_of_the_picture_there_is_none():
    found = info_of([0.0, 1.0], 2.0, duration_s=10.0).cut(2.0, 4.0)
    assert (found.has_video, found.end_s, found.duration_s) == (False, 0.0, 2.0)
    assert not info_of([5.0], 6.0).cut(1.0, 4.0).has_video
