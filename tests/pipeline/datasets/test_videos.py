from dataclasses import replace

import pytest

from pipeline.datasets import video_columns
from pipeline.datasets.video_columns import pack
from pipeline.datasets.videos import Listed
from pipeline.stores.fingerprint import fingerprint
from tests.pipeline.datasets.some_videos import some


@pytest.mark.parametrize("num", [0, 1, 3, 10])
@pytest.mark.parametrize("form", [Listed, pack])
def test_both_forms_are_sequences_of_the_same_videos(monkeypatch, num, form):
    monkeypatch.setattr(video_columns, "GROUP", 3)
    monkeypatch.setattr(video_columns, "PIECE", 2)
    listed = some(num)
    made = form(listed)
    assert (len(made), list(made), made) == (num, listed, Listed(listed))
    assert [made[at] for at in range(-num, num)] == [*listed, *listed]
    assert list(made[1:7:2]) == listed[1:7:2]
    for at in (num, -num - 1):
        with pytest.raises(IndexError):
            made[at]
    assert made != Listed([*listed, *some(1)])
    assert (made.ids, made.contents) == ([one.video_id for one in listed], [one.content for one in listed])
    assert (made.splits, made.durations_s) == ([one.split for one in listed], [one.duration_s for one in listed])
    assert list(made.texts()) == [caption.text for one in listed for caption in one.captions]
    for split in ("train", "val", "test", ""):
        assert list(made.of_split(split)) == [one for one in listed if one.split == split and one.captions]


@pytest.mark.parametrize("form", [Listed, pack])
def test_what_is_known_of_the_files_changes_its_fingerprint_and_captions_and_contents_do_not(form):
    listed = some(7)
    before = form(listed).of_files
    files = [[one.video_id, one.duration_s, one.has_video, one.problem] for one in listed]
    assert before == fingerprint({"files": files})
    for change in ({"video_id": "other.mp4"}, {"duration_s": 9.0}, {"has_video": False}, {"problem": "broken"}):
        assert form([*listed[:3], replace(listed[3], **change), *listed[4:]]).of_files != before
    for change in ({"captions": ()}, {"content": "0" * 32}, {"split": "test"}):
        assert form([*listed[:3], replace(listed[3], **change), *listed[4:]]).of_files == before
