import pickle

import pytest

from pipeline.datasets.annotations import Caption
from pipeline.datasets.readers import released
from pipeline.datasets.sources import Released
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers.sample_files import by_split, lists, texts


def release(test_captions="all"):
    names = {"train": "train_list.txt", "test": "test_list.txt"}
    return Released("msrvtt", "ce", names, (), test_captions)


def pickled(folder, name, data):
    (folder / name).write_bytes(pickle.dumps(data, protocol=2))


@pytest.fixture
def folder(tmp_path):
    lists(tmp_path, train_list=["video0.mp4", "video1"], test_list=["video2", "video3"])
    pickled(tmp_path, "raw-captions.pkl", {"video0": [["a", "dog"], "it  runs"], "video2": [["first"], ["second"]]})
    return tmp_path


def test_a_folder_without_captions_has_no_import(tmp_path, folder):
    assert released.has_captions(folder)
    assert not released.has_captions(tmp_path / "other")


def test_words_are_joined_and_names_lose_their_suffix(folder):
    annotations = released.read(folder, release())
    assert by_split(annotations) == {"train": ["video0", "video1"], "val": [], "test": ["video2", "video3"]}
    assert texts(annotations, "video0") == ["a dog", "it runs"]
    assert texts(annotations, "video1") == []
    assert texts(annotations, "video2") == ["first", "second"]


def test_captions_of_several_files_are_merged(folder):
    pickled(folder, "raw-captions-val.pkl", {"x/video3.mp4": [["another"]]})
    assert released.captions(folder)["video3"] == [Caption("another")]


def test_one_caption_of_each_test_video_can_be_chosen(folder):
    pickled(folder, "index.pkl", {"video2": 1})
    assert texts(released.read(folder, release("index.pkl")), "video2") == ["second"]
    pickled(folder, "index.pkl", {"video2": 2})
    with pytest.raises(AnnotationError, match="video2 has 2 captions, and its caption 2 is asked for"):
        released.read(folder, release("index.pkl"))
    with pytest.raises(AnnotationError, match=r"gone\.pkl: no such file; it says which caption"):
        released.read(folder, release("gone.pkl"))


def test_the_first_caption_can_be_chosen_for_all_test_videos(folder):
    pickled(
        folder, "raw-captions.pkl", {"video2": [["first"], ["second"]], "video3": [["only"]], "video0": [["a"]] * 2}
    )
    annotations = released.read(folder, release("first"))
    assert (texts(annotations, "video2"), texts(annotations, "video3")) == (["first"], ["only"])
    assert texts(annotations, "video0") == ["a", "a"], "training videos keep all"


def test_a_missing_list_and_foreign_data_are_told_with_the_file(folder):
    (folder / "test_list.txt").unlink()
    with pytest.raises(AnnotationError, match=r"test_list\.txt: no such file; the archive that was imported"):
        released.read(folder, release())
    pickled(folder, "raw-captions.pkl", [1, 2])
    with pytest.raises(AnnotationError, match=r"raw-captions\.pkl: expected data by video name"):
        released.captions(folder)


def test_the_mapping_of_names_is_optional(folder):
    assert released.text_names(folder) == {}
    pickled(folder, "dict_youtube_mapping.pkl", {"abc_1_2.avi": "vid1"})
    assert released.text_names(folder) == {"abc_1_2": "vid1"}
