import numpy as np
import pytest

from pipeline.media.shown_frame import ShownFrame
from pipeline.media.video import frames_at, probe, shown_at
from tests.clips import make_clip


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "a.mp4", sound=None, seconds=0.4)


def test_it_shows_whole_what_the_file_shows(clip):
    info = probe(clip)
    frames = dict(frames_at(clip, info.frame_times_s, info))
    for index, shown in shown_at(clip, info.frame_times_s, info):
        assert shown.shape == (120, 160)
        np.testing.assert_array_equal(shown.rgb(), frames[index])
        assert shown.rgb() is shown.rgb(), "converted once for all who want it"


def test_small_it_is_the_same_whether_it_was_shown_whole_before_or_not(clip):
    info = probe(clip)
    small = [shown.shrunk((80, 60)) for _, shown in shown_at(clip, info.frame_times_s, info)]
    both = [(shown.rgb(), shown.shrunk((80, 60)))[1] for _, shown in shown_at(clip, info.frame_times_s, info)]
    np.testing.assert_array_equal(small, both)
    assert small[0].shape == (60, 80, 3)
    (alone,) = (shown.shrunk((80, 60)) for _, shown in shown_at(clip, info.frame_times_s[7:8], info))
    np.testing.assert_array_equal(alone, small[7])


def test_of_pixels_that_are_rgb_already_there_is_none_in_one_pass(clip):
    assert ShownFrame(np.zeros((120, 160, 3), np.uint8), probe(clip)).shrunk((80, 60)) is None


def test_of_frames_of_another_size_than_the_first_there_is_none_in_one_pass(tmp_path):
    small = make_clip(tmp_path / "small.ts", sound=None, seconds=1)
    tall = make_clip(tmp_path / "tall.ts", sound=None, size=(240, 320), times_s=1 + np.arange(25) / 25)
    path = tmp_path / "both.ts"
    path.write_bytes(small.read_bytes() + tall.read_bytes())
    info = probe(path)
    first, last = (shown for _, shown in shown_at(path, info.frame_times_s[[0, -1]], info))
    assert first.shrunk((80, 60)) is not None
    assert last.shrunk((80, 60)) is None
    assert last.rgb().shape == (*last.shape, 3) == (120, 160, 3)
