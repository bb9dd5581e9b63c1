import importlib.util
from fractions import Fraction

import numpy as np
import pytest

from extractors.base import FrameNeed
from extractors.extraction.resize import Resize, resize_shown
from pipeline.media import second_decoder
from pipeline.media.second_decoder import decord_frames
from pipeline.media.video import frames_at, probe, shown_at
from tests.clips import make_clip, set_display_matrix

HAS_DECORD = importlib.util.find_spec("decord") is not None


def both(path, info, times):
    """The frames as read with decord where it can be, and by PyAV alone."""
    return [list(frames_at(path, times, info, by_decord=by)) for by in (True, False)]


@pytest.mark.skipif(not HAS_DECORD, reason="no decord here")
@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "h264.mov", "vfr.mp4"])
def test_decord_serves_the_usual_files_and_gives_the_pixels_of_pyav(clips, name):
    path, info = clips[name], probe(clips[name])
    assert second_decoder.is_exact(info)
    assert second_decoder._open(path, info.frame_times_s) is not None, "the comparison would prove nothing"
    times = np.sort(np.random.default_rng(4).uniform(0, info.end_s + 0.1, 60))
    by_decord, by_pyav = (dict(frames_at(path, times, info, by_decord=by)) for by in (True, False))
    assert by_decord.keys() == by_pyav.keys()
    for index, picture in by_decord.items():
        np.testing.assert_array_equal(picture, by_pyav[index])


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p", "yuvj420p"])
def test_h264_of_any_pixel_format_looks_the_same_whichever_decoder_serves_it(tmp_path, pixels):
    path = make_clip(tmp_path / "a.mp4", sound=None, pixels=pixels, seconds=0.4)
    info = probe(path)
    for one, other in zip(*both(path, info, info.frame_times_s), strict=True):
        np.testing.assert_array_equal(one[1], other[1])


HD = {"size": (1280, 720), "seconds": 0.12}
BT709 = {"colorspace": "bt709", "color_range": "tv"}


@pytest.mark.skipif(not HAS_DECORD, reason="no decord here")
@pytest.mark.parametrize(
    "how",
    [
        {"encoder": BT709},
        {"encoder": BT709, **HD},
        {"encoder": {"colorspace": "smpte170m"}, **HD},
        {"pixels": "yuvj420p"},
    ],
    ids=["SD as BT.709", "HD as BT.709", "HD as BT.601", "full range"],
)
def test_decord_serves_colours_that_are_tagged(tmp_path, how):
    path = make_clip(tmp_path / "a.mp4", sound=None, **({"seconds": 0.2} | how))
    info = probe(path)
    assert second_decoder.is_exact(info)
    pairs = zip(*both(path, info, info.frame_times_s), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("aspect.mp4", {"pixel_aspect": Fraction(4, 3)}),
        ("hd.mp4", HD),
        ("interlaced.mp4", {"encoder": {"x264-params": "tff=1"}}),
        ("depth.mp4", {"pixels": "yuv420p10le"}),
        ("turned.mp4", {"rotation": 90}),
        ("changing.ts", {}),
    ],
)
def test_decord_does_not_serve_what_it_would_show_otherwise(tmp_path, name, how):
    path = make_clip(tmp_path / name, sound=None, **({"seconds": 0.2} | how))
    assert not second_decoder.is_exact(probe(path))


def test_decord_does_not_serve_a_mirrored_picture(tmp_path):
    path = make_clip(tmp_path / "a.mp4", sound=None, seconds=0.2)
    assert second_decoder.is_exact(probe(path))
    assert not second_decoder.is_exact(probe(set_display_matrix(path, -1, 0, 0, 1)))


@pytest.mark.skipif(not HAS_DECORD, reason="no decord here")
def test_where_it_fails_in_the_middle_pyav_reads_the_rest(clips, monkeypatch):
    import decord

    path, info = clips["h264.mp4"], probe(clips["h264.mp4"])
    times = info.frame_times_s
    reader = second_decoder._open(path, times)

    class Failing:
        def get_batch(self, indices):
            if indices[0] >= second_decoder.BATCH:
                raise decord.DECORDError("a packet that it does not read")
            return reader.get_batch(indices)

    monkeypatch.setattr(second_decoder, "_open", lambda path, times: Failing())
    assert len(list(decord_frames(path, times, info))) == second_decoder.BATCH < len(times)
    for one, other in zip(*both(path, info, times), strict=True):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.skipif(not HAS_DECORD, reason="no decord here")
def test_what_is_shrunk_on_a_second_try_differs_by_the_rounding_of_rgb_alone(clips):
    """decord gives RGB, which is as dark as libswscale makes it; the first try shrinks YCbCr."""
    path, info = clips["h264.mp4"], probe(clips["h264.mp4"])
    settings = Resize.of(FrameNeed(1.0, short_px=60))
    again, first = (
        np.stack([resize_shown(shown, settings) for _, shown in shown_at(path, info.frame_times_s, info, by_decord=by)])
        for by in (True, False)
    )
    assert again.shape == first.shape == (50, 60, 80, 3)
    assert 0 < np.abs(again.astype(np.float64) - first).mean() < 2.5


def test_an_edit_list_that_it_does_not_heed_is_left_to_pyav(media):
    """The file holds 179 frames, of which 134 are shown."""
    path = media / "videos" / "cve_vid2.mp4"
    info = probe(path)
    assert list(decord_frames(path, info.frame_times_s[:3], info)) == []


REAL = ["v_GGSY1Qvo990.mp4", "v_ZNVhz7ctTq0.mp4", "flipping_a_pancake.mkv", "tc_nasa_13013.mp4", "mpy_chaplin.mp4"]
"""The shared videos that are plain H.264 without an edit list."""


@pytest.mark.slow
@pytest.mark.skipif(not HAS_DECORD, reason="no decord here")
@pytest.mark.parametrize("name", REAL)
def test_plain_real_videos_are_read_alike_by_both(media, name):
    path = media / "videos" / name
    info = probe(path)
    times = np.arange(0, info.end_s, max(0.5, info.end_s / 24))
    assert len(list(decord_frames(path, times, info))) == len(times)
    for one, other in zip(*both(path, info, times), strict=True):
        np.testing.assert_array_equal(one[1], other[1])
