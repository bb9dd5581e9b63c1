import gc
import weakref

import numpy as np
import pytest

from pipeline.media.container import open_container, pick_video
from pipeline.media.cursor import Cursor
from pipeline.media.packets import read_packets
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
    with Cursor(path) as cursor:
        np.testing.assert_allclose([shot.time_s for shot in cursor], np.arange(25) / 25, atol=1e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.avi"])
def test_packets_that_were_read_before_give_the_frames_of_the_file(tmp_path, name):
    path = make_clip(tmp_path / name, **({"codec": "mpeg4"} if name == "a.avi" else {}))
    with Cursor(path) as cursor:
        expected = [(shot.time_s, shot.frame.to_ndarray(format="rgb24")) for shot in cursor]
    container = open_container(path)
    stream, kept = pick_video(container), []
    read_packets(container, stream, kept)
    with Cursor.of_packets(container, stream, iter(kept)) as cursor:
        found = [(shot.time_s, shot.frame.to_ndarray(format="rgb24")) for shot in cursor]
    assert [time_s for time_s, _ in found] == [time_s for time_s, _ in expected]
    np.testing.assert_array_equal([pixels for _, pixels in found], [pixels for _, pixels in expected])


def test_the_first_frame_can_be_looked_at_and_comes_all_the_same(long_clip):
    with Cursor(long_clip) as cursor:
        pts = cursor.first_frame().pts
        assert cursor.first_frame().pts == pts
        assert not cursor.has_begun
        assert next(cursor).frame.pts == pts
        assert cursor.has_begun


def test_where_no_frame_decodes_there_is_no_first_one(tmp_path):
    path = make_clip(tmp_path / "a.mp4", seconds=0.4, sound=None)
    container = open_container(path)
    with Cursor.of_packets(container, pick_video(container), iter([])) as cursor:
        assert cursor.first_frame() is None
        assert list(cursor) == []


@pytest.mark.parametrize("in_order", [False, True])
def test_of_a_file_whose_frames_come_in_order_none_is_decoded_ahead(tmp_path, monkeypatch, in_order):
    path = make_clip(tmp_path / "a.webm", seconds=0.8, sound=None, codec="libvpx-vp9")
    given = []
    placed = Cursor._skip_unwanted
    monkeypatch.setattr(Cursor, "_skip_unwanted", lambda self, packet: (given.append(packet.pts), placed(self, packet)))
    with Cursor(path, 0.0, None, in_order) as cursor:
        ahead = [
            (len(given) - number, number_in(cursor.painter.rgb(shot.frame))) for number, shot in enumerate(cursor, 1)
        ]
    assert [number for _, number in ahead] == list(range(20))
    assert max(more for more, _ in ahead) == (0 if in_order else 4)
    assert cursor.skips != in_order


def test_a_closed_cursor_is_gone_without_the_garbage_collector(tmp_path):
    path = make_clip(tmp_path / "a.mp4", sound=None)
    gc.disable()
    try:
        for peeks in (False, True):
            with Cursor(path) as cursor:
                if peeks:
                    cursor.first_frame()
                next(cursor)
            gone = weakref.ref(cursor)
            del cursor
            assert gone() is None
    finally:
        gc.enable()
