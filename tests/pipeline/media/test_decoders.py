from fractions import Fraction

import av
import numpy as np
import pytest

from pipeline.media import decoders, video
from pipeline.media.video import frames_at, probe
from tests.clips import make_clip, set_display_matrix
from tests.pipeline.media.sample_clips import HAS_DECORD, decoded_in_order, numbers


@pytest.mark.skipif(not HAS_DECORD, reason="no decord here")
@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "h264.mov", "vfr.mp4"])
def test_decord_serves_the_usual_files_and_gives_the_pixels_of_pyav(clips, name):
    path, info = clips[name], probe(clips[name])
    assert video._decord_is_exact(info)
    assert decoders.open_decord(path, info.frame_times_s) is not None, "the comparison would prove nothing"
    times = np.sort(np.random.default_rng(4).uniform(0, info.end_s + 0.1, 60))
    by_decord, by_pyav = (dict(frames_at(path, times, info, decoder)) for decoder in ("decord", "pyav"))
    assert by_decord.keys() == by_pyav.keys()
    for index, picture in by_decord.items():
        np.testing.assert_array_equal(picture, by_pyav[index])


def test_the_pixels_are_those_of_opencv(clips):
    import cv2

    reader = cv2.VideoCapture(str(clips["h264.mp4"]))
    info = probe(clips["h264.mp4"])
    for _, picture in frames_at(clips["h264.mp4"], info.frame_times_s, info):
        np.testing.assert_array_equal(picture, reader.read()[1][:, :, ::-1])
    reader.release()


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p", "yuvj420p"])
def test_h264_of_any_pixel_format_looks_the_same_whichever_decoder_serves_it(tmp_path, pixels):
    path = make_clip(tmp_path / "a.mp4", sound=None, pixels=pixels, seconds=0.4)
    info = probe(path)
    for one, other in zip(*(frames_at(path, info.frame_times_s, info, by) for by in ("decord", "pyav")), strict=True):
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
    assert video._decord_is_exact(info)
    pairs = zip(*(frames_at(path, info.frame_times_s, info, by) for by in ("decord", "pyav")), strict=True)
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
    assert not video._decord_is_exact(probe(path))


def test_decord_does_not_serve_a_mirrored_picture(tmp_path):
    path = make_clip(tmp_path / "a.mp4", sound=None, seconds=0.2)
    assert video._decord_is_exact(probe(path))
    assert not video._decord_is_exact(probe(set_display_matrix(path, -1, 0, 0, 1)))


@pytest.mark.parametrize("decoder", ["decord", "pyav"])
def test_seeks_land_on_the_frames_of_a_full_decode(long_clip, decoder):
    every = decoded_in_order(long_clip)
    info = probe(long_clip)
    for at_s in np.random.default_rng(5).uniform(0, 20, 12):
        times = at_s + np.array([0, 0.05, 0.3])
        for index, picture in frames_at(long_clip, times, info, decoder):
            np.testing.assert_array_equal(picture, every[min(199, int(times[index] * 10 + 1e-6))])


@pytest.mark.parametrize("decoder", ["decord", "pyav"])
def test_times_outside_of_the_video_show_its_ends(long_clip, decoder):
    assert numbers(long_clip, [-5.0, -0.1, 0.0, 19.99], decoder) == {0: 0, 1: 0, 2: 0, 3: 199}
    assert numbers(long_clip, [20.05, 30.0], decoder) == {0: 199, 1: 199}


@pytest.mark.parametrize("decoder", ["decord", "pyav"])
def test_a_time_asked_for_twice_is_answered_twice(clip, decoder):
    assert numbers(clip, [0.5, 0.5, 0.5, 0.52], decoder) == {0: 12, 1: 12, 2: 12, 3: 13}


SHOWN = {
    "v_GGSY1Qvo990.mp4": (320, 240),
    "v_ZNVhz7ctTq0.mp4": (480, 360),
    "cve_vid1.mp4": (640, 360),
    "cve_vid2.mp4": (640, 360),
    "flipping_a_pancake.mkv": (426, 240),
    "decord_rot_90.mov": (320, 568),
    "mma_demo.mp4": (427, 256),  # 340 pixels, 64:51
    "mma_test.avi": (320, 240),
    "tc_nasa_13013.mp4": (480, 270),
    "facenet_video.mp4": (1920, 1080),
    "skv_carphone.mp4": (193, 144),  # 176 pixels, 128:117
    "mpy_bbb_0_30.webm": (1280, 720),
    "mpy_chaplin.mp4": (640, 360),
    "psd_counter.mp4": (1920, 1080),
}


BY_PYAV = {"mma_test.avi", "mpy_bbb_0_30.webm", "cve_vid1.mp4", "cve_vid2.mp4"}
"""Not H.264, or with an edit list that decord does not heed."""

BY_PYAV |= {"decord_rot_90.mov", "mma_demo.mp4", "skv_carphone.mp4", "facenet_video.mp4", "psd_counter.mp4"}
"""Turned, of pixels that are not square, or HD without a tag, which decord takes for BT.601."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_every_real_video_is_read_alike_by_both_decoders(media, name):
    path = media / "videos" / name
    info = probe(path)
    assert (info.width_px, info.height_px) == SHOWN[name]
    assert info.note == ""
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        count = sum(1 for frame in container.decode(stream) if frame.pts is not None)
    assert abs(len(info.frame_times_s) - count) <= 1
    if HAS_DECORD and name not in BY_PYAV:
        assert video._decord_is_exact(info)
        assert decoders.open_decord(path, info.frame_times_s) is not None
    times = np.arange(0, info.end_s, max(0.5, info.end_s / 24))
    served, by_pyav = (dict(frames_at(path, times, info, decoder)) for decoder in ("decord", "pyav"))
    assert served.keys() == by_pyav.keys() == set(range(len(times)))
    for index, picture in served.items():
        np.testing.assert_array_equal(picture, by_pyav[index])


def test_an_edit_list_hides_its_frames(media):
    # decord counts 179 frames, 134 are shown: it must not serve this file.
    info = probe(media / "videos" / "cve_vid2.mp4")
    assert len(info.frame_times_s) == 134
    if HAS_DECORD:
        assert decoders.open_decord(media / "videos" / "cve_vid2.mp4", info.frame_times_s) is None
