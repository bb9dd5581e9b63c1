"""What is expected was counted by hand in small files of the owners' format."""

import json
from dataclasses import replace

import pytest

from pipeline.datasets.clips import Clip
from pipeline.datasets.readers import msrvtt
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts


def test_msrvtt_full_has_the_splits_of_its_files_and_gathers_scattered_sentences(tmp_path):
    sample_files.msrvtt(tmp_path)
    annotations = msrvtt.read(tmp_path, "full")
    assert by_split(annotations) == {
        "train": [f"video{i}" for i in range(6)],
        "val": ["video6", "video7"],
        "test": [f"video{i}" for i in range(8, 12)],
    }
    assert texts(annotations, "video9") == ["9 says 0", "9 says 1", "9 says 2"]


def test_msrvtt_in_one_file_is_the_same(tmp_path):
    sample_files.msrvtt(tmp_path / "two")
    whole = {"videos": [], "sentences": []}
    for path in (tmp_path / "two").glob("*.json"):
        part = json.loads(path.read_text())
        whole = {key: whole[key] + part[key] for key in whole}
    sample_files.write(tmp_path / "one", "MSRVTT_data.json", json.dumps(whole))
    assert msrvtt.read(tmp_path / "one", "full") == msrvtt.read(tmp_path / "two", "full")


def test_msrvtt_1k_a_tests_the_listed_videos_with_the_given_sentence_and_trains_on_all_others(tmp_path):
    sample_files.msrvtt(tmp_path)
    sample_files.jsfusion(tmp_path, [("video9", "a chosen, one"), ("video11", "9  says 0")])
    annotations = msrvtt.read(tmp_path, "1k-a")
    assert by_split(annotations)["test"] == ["video9", "video11"]
    assert len(by_split(annotations)["train"]) == 10
    assert (texts(annotations, "video9"), texts(annotations, "video11")) == (["a chosen, one"], ["9 says 0"])
    assert len(texts(annotations, "video8")) == 3


def test_msrvtt_1k_b_takes_the_first_caption_of_the_listed_videos_and_leaves_the_unlisted_out(tmp_path):
    sample_files.msrvtt(tmp_path)
    sample_files.lists(tmp_path, train_list_miech=["video0", "video1", "video6"], test_list_miech=["video2", "video9"])
    annotations = msrvtt.read(tmp_path, "1k-b")
    assert by_split(annotations) == {"train": ["video0", "video1", "video6"], "val": [], "test": ["video2", "video9"]}
    assert (texts(annotations, "video2"), len(texts(annotations, "video0"))) == (["2 says 0"], 3)


@pytest.mark.parametrize("variant", ["1k-a", "1k-b"])
def test_a_missing_list_is_told_with_what_it_is(tmp_path, variant):
    sample_files.msrvtt(tmp_path)
    with pytest.raises(AnnotationError, match=r"(JSFUSION_test\.csv|train_list_miech\.txt): no such file; it"):
        msrvtt.read(tmp_path, variant)


def test_a_list_of_another_dataset_is_told(tmp_path):
    sample_files.msrvtt(tmp_path)
    sample_files.jsfusion(tmp_path, [("video7777", "x")])
    with pytest.raises(AnnotationError, match=r"JSFUSION_test\.csv: video7777 is in no JSON file of MSR-VTT"):
        msrvtt.read(tmp_path, "1k-a")


def test_msrvtt_as_clips_names_the_piece_of_the_whole_video_that_each_was_cut_from(tmp_path):
    sample_files.msrvtt(tmp_path)
    annotations = msrvtt.read_clips(tmp_path, "full")
    whole = msrvtt.read(tmp_path, "full")
    assert {name: replace(one, clip=None) for name, one in annotations.items()} == whole
    assert annotations["video9"].clip == Clip("-_aBcDe0004", 12.5, 24.22, "video9")
    assert annotations["video8"].clip == Clip("-_aBcDe0004", 0.0, 11.72, "video8")
    assert not any(one.clip for one in whole.values())


@pytest.mark.parametrize("variant", ["1k-a", "1k-b"])
def test_the_other_splits_of_msrvtt_keep_the_clips(tmp_path, variant):
    sample_files.msrvtt(tmp_path)
    sample_files.jsfusion(tmp_path, [("video9", "chosen")])
    sample_files.lists(tmp_path, train_list_miech=["video0", "video1"], test_list_miech=["video9"])
    annotations = msrvtt.read_clips(tmp_path, variant)
    assert {name: replace(one, clip=None) for name, one in annotations.items()} == msrvtt.read(tmp_path, variant)
    assert {name: one.clip.name for name, one in annotations.items()} == {name: name for name in annotations}


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://www.youtube.com/watch?v=9lZi22qLlEo", "9lZi22qLlEo"),
        ("http://www.youtube.com/watch?feature=x&v=-Zi22qLlE_o#t=3", "-Zi22qLlE_o"),
        ("https://youtu.be/9lZi22qLlEo?t=4", "9lZi22qLlEo"),
        ("https://www.youtube.com/watch?v=../../../etc", None),
        ("https://www.youtube.com/", None),
        ("", None),
    ],
)
def test_the_whole_video_is_told_by_its_address(tmp_path, address, found):
    video = {"video_id": "video0", "url": address, "start time": 1, "end time": 2.5, "split": "train"}
    sample_files.write(tmp_path, "MSRVTT_data.json", json.dumps({"videos": [video], "sentences": []}))
    if found:
        assert msrvtt.read_clips(tmp_path, "full")["video0"].clip == Clip(found, 1.0, 2.5, "video0")
    else:
        with pytest.raises(AnnotationError, match=r"MSRVTT_data\.json: '.*' names no video at YouTube; get"):
            msrvtt.read_clips(tmp_path, "full")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"end time": 1}, r"'video0': the clip ends at 1 s, and begins at 1 s"),
        ({"start time": "soon"}, r"'video0': 'start_s' must be seconds"),
        ({"start time": None}, r"'video0': 'start_s' must be seconds"),
        ({"url": 5}, r"not built as its owner's file is"),
        ({"video_id": "../x"}, r"cannot name a clip"),
        ({"video_id": 7}, r"not built as its owner's file is"),
    ],
)
def test_a_span_that_is_none_is_told_in_one_line(tmp_path, wrong, told):
    video = {"video_id": "video0", "url": "https://youtu.be/9lZi22qLlEo", "start time": 1, "end time": 2}
    video |= {"split": "train"} | wrong
    sample_files.write(tmp_path, "MSRVTT_data.json", json.dumps({"videos": [video], "sentences": []}))
    with pytest.raises(AnnotationError, match=told) as caught:
        msrvtt.read_clips(tmp_path, "full")
    assert "MSRVTT_data.json" in str(caught.value) and "\n" not in str(caught.value)


def test_no_files_are_no_clips(tmp_path):
    assert msrvtt.read_clips(tmp_path, "full") is None


def test_two_clips_of_msrvtt_may_be_the_same_seconds_of_one_video(tmp_path):
    common = {"url": f"https://youtu.be/{sample_files.youtube_id(0)}", "start time": 1, "end time": 2.5}
    videos = [common | {"video_id": f"video{i}", "split": split} for i, split in enumerate(("train", "test"))]
    sentences = [{"video_id": f"video{i}", "caption": f"says {i}"} for i in range(2)]
    sample_files.write(tmp_path, "MSRVTT_data.json", json.dumps({"videos": videos, "sentences": sentences}))
    found = msrvtt.read_clips(tmp_path, "full")
    assert {name: one.clip for name, one in found.items()} == {
        name: Clip(sample_files.youtube_id(0), 1.0, 2.5, name) for name in ("video0", "video1")
    }
    assert (found["video0"].split, found["video1"].split) == ("train", "test")
