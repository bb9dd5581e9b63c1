import numpy as np
import pytest

from pipeline.media.container import open_container, pick_video
from pipeline.media.cursor import Cursor, decode_frames
from tests.clips import make_clip, number_in


def numbers_of(shots, cursor):
    return [number_in(cursor.painter.rgb(shot.frame)) for shot in shots]


def test_frames_come_in_order_with_their_times(long_clip):
    with Cursor(long_clip) as cursor:
        shots = list(cursor)
        np.testing.assert_allclose([shot.time_s for shot in shots], np.arange(200) / 10, atol=1e-6)
        assert numbers_of(shots[::40], cursor) == [0, 40, 80, 120, 160]


def test_a_cursor_begins_at_the_key_frame_before(long_clip):
    """Key frames lie five seconds apart."""
    with Cursor(long_clip, 12.3) as cursor:
        assert next(cursor).time_s == pytest.approx(10.0, abs=1e-6)


def test_what_is_kept_comes_once_more(long_clip):
    with Cursor(long_clip) as cursor:
        cursor.keep_from(3.05)
        first = [next(cursor) for _ in range(60)]
        cursor.step_back()
        assert not cursor.has_passed(3.05)
        assert cursor.has_passed(2.9)
        again = [next(cursor) for _ in range(40)]
    # From the frame that is shown at 3.05 s on.
    assert [shot.time_s for shot in again[:30]] == [shot.time_s for shot in first[30:]]
    np.testing.assert_allclose([shot.time_s for shot in again], 3.0 + np.arange(40) / 10, atol=1e-6)


def test_frames_on_which_none_depends_are_left_out_until_the_last_wanted_one(tmp_path):
    path = make_clip(tmp_path / "a.mp4", seconds=4, sound=None)
    with Cursor(path) as cursor:
        cursor.want_only(np.array([1.0, 2.0]))
        times_s = np.array([shot.time_s for shot in cursor])
    before, after = times_s[times_s < 2.0], times_s[times_s > 2.0]
    assert len(before) < 40, "some were left out"
    assert {1.0, 2.0} <= set(np.round(times_s, 6))
    assert len(after) == 49, "the next piece may want any of them"


def test_frames_of_a_container_are_on_the_clock_of_the_file(tmp_path):
    path = make_clip(tmp_path / "late.ts", times_s=50 + np.arange(25) / 25, sound=None)
    with open_container(path) as container:
        stream = pick_video(container)
        times_s = [float(frame.pts * stream.time_base) for frame in decode_frames(container, stream)]
    np.testing.assert_allclose(times_s, np.arange(25) / 25, atol=1e-3)
