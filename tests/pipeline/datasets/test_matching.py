import shutil

import pytest

from pipeline.datasets.manifest import MISSING
from pipeline.errors import AnnotationError


def test_equal_stems_in_two_folders_or_with_two_suffixes_stay_apart(dataset, made):
    shutil.copy(made[3], dataset.videos / "sub" / "a.mkv")
    dataset.rows = [
        ("a.mp4", "one", "train", ""),
        ("sub/a.mp4", "two", "train", ""),
        ("sub/a.mkv", "three", "train", ""),
    ]
    texts = {video.video_id: [caption.text for caption in video.captions] for video in dataset.build().videos}
    assert texts == {"a.mp4": ["one"], "b.mp4": [], "sub/a.mp4": ["two"], "sub/a.mkv": ["three"]}


def test_a_stem_that_fits_two_files_is_not_guessed(dataset, made):
    shutil.copy(made[3], dataset.videos / "sub" / "a.mkv")
    dataset.rows = [("sub/a", "which?", "train", ""), ("b", "clear", "train", "")]
    videos = {video.video_id: video for video in dataset.build().videos}
    assert videos["sub/a"].problem == MISSING
    assert videos["sub/a.mp4"].captions == videos["sub/a.mkv"].captions == ()
    assert len(videos["b.mp4"].captions) == 1


def test_of_several_links_to_one_file_the_first_has_the_captions(dataset):
    (dataset.videos / "zz").symlink_to(dataset.videos / "sub")
    dataset.rows = [("b", "clear", "train", ""), ("zz/a.mp4", "by its path", "train", "")]
    built = dataset.build()
    assert {video.video_id: len(video.captions) for video in built.videos if video.video_id != "a.mp4"} == {
        "b.mp4": 1, "sub/a.mp4": 0, "zz/a.mp4": 1,
    }  # fmt: skip
    (dataset.videos / "sub" / "only.mp4").write_bytes((dataset.videos / "b.mp4").read_bytes() + b" ")
    dataset.rows = [("only", "one of two links", "train", "")]
    built = dataset.build()
    assert [video.video_id for video in built.videos if video.captions] == ["sub/only.mp4"]
    assert len({video.content for video in built.videos if video.video_id.endswith("only.mp4")}) == 1
    assert not built.warnings


def test_a_name_with_and_without_its_suffix_is_one_video(dataset):
    dataset.rows = [("b", "one", "train", ""), ("b.mp4", "two", "train", "")]
    (video,) = [video for video in dataset.build().videos if video.captions]
    assert [caption.text for caption in video.captions] == ["one", "two"]


def test_a_video_in_two_splits_under_two_names_is_told(dataset):
    dataset.rows = [("b", "one", "train", ""), ("b.mp4", "two", "test", "")]
    with pytest.raises(AnnotationError, match=r"b\.mp4.*'train'.*'test'|b\.mp4.*'test'.*'train'"):
        dataset.build()


def test_the_same_content_in_train_and_test_is_kept_under_one_content(dataset, made):
    shutil.copy(made[0], dataset.videos / "copy.mp4")
    dataset.rows.append(("copy.mp4", "A red star", "test", ""))
    videos = {video.video_id: video for video in dataset.build().videos}
    assert videos["copy.mp4"].content == videos["a.mp4"].content


def test_the_same_content_in_two_splits_is_warned_of(dataset, made):
    assert not dataset.build().warnings
    shutil.copy(made[0], dataset.videos / "copy.mp4")
    dataset.rows.append(("copy.mp4", "A red star again", "test", ""))
    (warning,) = dataset.build().warnings
    assert "1 videos are in more than one split" in warning
    assert "a.mp4 and copy.mp4" in warning


def test_a_dot_in_a_name_is_no_suffix(dataset, made):
    shutil.copy(made[3], dataset.videos / "v1.5.mp4")
    dataset.rows = [("v1.5", "one", "train", "")]
    videos = {video.video_id: video for video in dataset.build().videos}
    assert len(videos["v1.5.mp4"].captions) == 1


def test_captions_of_another_dataset_are_told(dataset):
    dataset.rows = [("video7010.mp4", "x", "train", ""), ("video7011.mp4", "y", "test", "")]
    with pytest.raises(AnnotationError, match=r"captions\.csv: names 'video7010\.mp4' and others, none of which is in"):
        dataset.build()
