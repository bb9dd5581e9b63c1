import hashlib

import pytest

from pipeline.datasets.clips import Clip, ClipNames, clip_content
from pipeline.errors import AnnotationError


def clip_of(start, end, name="", video="a.mp4", names=None):
    return (names or ClipNames()).clip_of({"video": video, "start_s": start, "end_s": end, "id": name}, "c.csv:2")


def complaint(*args, **how):
    with pytest.raises(AnnotationError) as caught:
        clip_of(*args, **how)
    assert str(caught.value).startswith("c.csv:2: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_clip_is_called_as_in_media_fragments_or_by_its_id():
    """https://www.w3.org/TR/media-frags/#naming-time"""
    assert clip_of("10", "20.5").name == "a.mp4#t=10,20.5"
    assert clip_of("0", "1e1", video="b/c.mkv").name == "b/c.mkv#t=0,10"
    assert clip_of(" .5", "0.7500000", "video0").name == "video0"
    assert clip_of(" .5", "0.75", "video0").span_s == (0.5, 0.75)


def test_a_row_without_seconds_is_of_a_whole_video_whatever_its_id():
    assert clip_of("", " ", "17") is None
    assert ClipNames().clip_of({"video": "a.mp4", "caption": "x"}, "c.csv:2") is None


@pytest.mark.parametrize("start", ["nan", "inf", "-1", "1:20", "1_0", "1e99", "10000001", "0x1", "", "one", "\u0663"])
def test_seconds_that_are_none_are_refused(start):
    assert "'start_s'" in complaint(start, "20")


def test_a_clip_ends_after_its_start():
    assert "it must end later" in complaint("5", "5")
    assert "it must end later" in complaint("5", "4")
    assert "needs both" in complaint("5", "")


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "a\0b", "a\nb", ".hidden", "a/.b", "a\\b", "x" * 300, "a//b"])
def test_an_id_that_cannot_be_the_name_of_a_file_is_refused(name):
    assert "cannot name a clip" in complaint("1", "2", name)


def test_one_id_is_of_one_clip_and_one_clip_has_one_id():
    names = ClipNames()
    assert clip_of("1", "2", "x", names=names) == clip_of("1.0", "2.0", "x", names=names), "two captions of one clip"
    assert "another clip above has the 'id' 'x'" in complaint("1", "3", "x", names=names)
    assert "these seconds have 'x' in a row above" in complaint("1", "2", "y", names=names)
    assert "these seconds have 'x' in a row above" in complaint("1", "2", "", names=names)


def test_the_content_of_a_clip_is_told_by_that_of_its_file_and_its_span():
    plain = hashlib.sha256(b"c0ffee#t=1,2.5").hexdigest()[:32]
    assert clip_content("c0ffee", (1.0, 2.5)) == plain
    assert len({clip_content(file, span) for file in ("a", "b") for span in [(1, 2), (1, 3), (0, 2)]}) == 6


def test_a_span_keeps_microseconds():
    assert Clip("a", 1.000001, 2.0).name == "a#t=1.000001,2"
