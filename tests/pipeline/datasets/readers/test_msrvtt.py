"""What is expected was counted by hand in small files of the owners' format."""

import json

import pytest

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
