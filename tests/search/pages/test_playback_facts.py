import shutil

import pytest

from pipeline.errors import DecodeError
from search.pages.playback_facts import Look
from tests.clips import make_clip

# By the tables of supported formats of Chromium, Firefox and Safari (MDN, "Media container formats").
PLAYED = [
    ("a.mp4", {}),
    ("a.mp4", {"sound": None}),
    ("a.webm", {"codec": "libvpx", "sound_codec": "libopus"}),
    ("a.webm", {"codec": "libvpx-vp9", "sound_codec": "libopus"}),
    ("a.mp4", {"sound_codec": "libmp3lame"}),
]
NOT_PLAYED = [
    ("a.avi", {"codec": "mpeg4", "sound_codec": "libmp3lame"}, "mpeg4 in avi"),
    ("a.avi", {"sound_codec": "libmp3lame"}, "h264 in avi"),
    ("a.mkv", {}, "h264 in matroska,webm"),
    ("a.mp4", {"codec": "mpeg4"}, "mpeg4 in mov"),
    ("a.mp4", {"codec": "libx265"}, "hevc in mov"),
    ("a.mp4", {"pixels": "yuv444p"}, "h264 with yuv444p"),
    ("a.mpg", {"codec": "mpeg2video", "sound_codec": "mp2"}, "mpeg2video in mpeg"),
    ("a.mp4", {"sound_codec": "ac3"}, "ac3 sound"),
    ("a.mov", {}, "a QuickTime movie"),
]


@pytest.mark.parametrize(("name", "more"), PLAYED)
def test_what_browsers_play_is_played_as_it_is(tmp_path, name, more):
    told = Look(make_clip(tmp_path / name, seconds=0.4, **more), 0.4)()
    assert (told.as_it_is, told.why, told.duration_s) == (True, "", 0.4)


@pytest.mark.parametrize(("name", "more", "why"), NOT_PLAYED)
def test_what_one_of_them_does_not_play_is_converted(tmp_path, name, more, why):
    told = Look(make_clip(tmp_path / name, seconds=0.4, **more), 0.4)()
    assert not told.as_it_is
    assert told.why.startswith(why)
    assert told.kind == 'video/mp4; codecs="avc1.4d401f,mp4a.40.2"'


def test_the_name_of_a_file_does_not_matter(tmp_path):
    avi = make_clip(tmp_path / "a.avi", codec="mpeg4", sound_codec="libmp3lame", seconds=0.4)
    assert not Look(shutil.copy(avi, tmp_path / "lies.mp4"), 0.4)().as_it_is


def test_a_file_without_sound_is_promised_without(tmp_path):
    silent = make_clip(tmp_path / "a.avi", codec="mpeg4", sound=None, seconds=0.4)
    assert Look(silent, 0.4)().kind == 'video/mp4; codecs="avc1.4d401f"'


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "noise.mp4").write_bytes(b"\0" * 4000)
    with pytest.raises(DecodeError, match=r"noise\.mp4"):
        Look(tmp_path / "noise.mp4", 1.0)()
    with pytest.raises(DecodeError, match="no picture"):
        Look(make_clip(tmp_path / "sound.m4a", codec="", seconds=0.4), 1.0)()
