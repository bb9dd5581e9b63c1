import os
import shutil
import unicodedata

import pytest

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
    assert videos["sub/a"].problem == "may be any of sub/a.mkv, sub/a.mp4: say which, with folder and suffix"
    assert videos["sub/a"].is_missing
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


WRITTEN = [
    ("É/clip.MP4", unicodedata.normalize("NFD", "É/clip.mp4")),
    ("plain.mp4", ".\\plain.MP4"),
    ("two words.mp4", "two%20words.mp4"),
    ("clip", "clip"),
    ("clip.weird", "./clip.weird "),
    ("last.mp4 ", "last.mp4"),
]
"""Name of the file, and how captions write it."""


@pytest.mark.parametrize(("file", "written"), WRITTEN)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_file_is_found_however_captions_write_its_name(dataset, made, file, written, form):
    path = dataset.videos / unicodedata.normalize(form, file)
    path.parent.mkdir(exist_ok=True)
    shutil.copy(made[3], path)
    dataset.rows = [(written, "one", "train", "")]
    built = dataset.build()
    (video,) = [video for video in built.videos if video.captions]
    assert built.path(video) == path
    assert (video.problem, video.has_video, built.warnings) == ("", True, ())


def test_two_files_that_a_name_fits_alike_are_an_error_that_names_both(dataset, made):
    for name in ("é.mp4", "e\u0301.mp4"):
        shutil.copy(made[3], dataset.videos / name)
    dataset.rows = [("é.MP4", "which?", "train", "")]
    with pytest.raises(
        AnnotationError, match=r"may be 'e\\u0301\.mp4' or '\\xe9\.mp4', whose names differ only in how"
    ):
        dataset.build()
    dataset.rows = [("é.mp4", "this one", "train", "")]
    built = dataset.build()
    assert [video.video_id for video in built.videos if video.captions] == ["é.mp4"]
    (warning,) = built.warnings
    assert "differ only in how they are written" in warning


def test_a_file_without_suffix_is_a_video_only_if_it_begins_like_one(dataset, made):
    shutil.copy(made[3], dataset.videos / "clip")
    shutil.copy(made[3], dataset.videos / "screen 12.30.45")
    (dataset.videos / "README").write_text("No video.")
    (dataset.videos / "empty").touch()
    os.mkfifo(dataset.videos / "pipe")
    assert {video.video_id for video in dataset.build().videos} == {
        "a.mp4", "b.mp4", "sub/a.mp4", "clip", "screen 12.30.45",
    }  # fmt: skip


def test_what_captions_name_is_looked_into_and_told(dataset, made):
    (dataset.videos / "notes.txt").write_text("No video.")
    (dataset.videos / "other.txt").write_text("Nobody names it.")
    (dataset.videos / "folder.mp4").mkdir()
    (dataset.videos / "dead").symlink_to("/mnt/nowhere")
    os.mkfifo(dataset.videos / "pipe")
    shutil.copy(made[3], dataset.videos / "download.part")
    names = ("notes.txt", "folder.mp4", "dead", "pipe", "download.part", "gone.mp4", "a.mp4")
    dataset.rows = [(name, name, "train", "") for name in names]
    problems = {video.video_id: video.problem for video in dataset.build().videos if video.captions}
    assert problems == {
        "notes.txt": "notes.txt: Invalid data found when processing input: a text file, not a video",
        "folder.mp4": "a folder, not a file",
        "dead": "a link to /mnt/nowhere, which is not there",
        "pipe": "a named pipe, not a file",
        "download.part": "",
        "gone.mp4": "no such file",
        "a.mp4": "",
    }


def test_a_name_that_a_video_bears_means_no_other_file(dataset):
    (dataset.videos / "b").write_text("Notes on b.mp4.")
    dataset.rows = [("b", "the video", "train", "")]
    assert [video.video_id for video in dataset.build().videos if video.captions] == ["b.mp4"]


def test_a_file_of_any_kind_that_captions_name_changes_the_look_of_the_folder(dataset, made):
    dataset.rows.append(("download.part", "It comes", "train", ""))
    dataset.build()
    before = dataset.digest
    (dataset.videos / "other.part").touch()
    assert dataset.digest == before
    shutil.copy(made[3], dataset.videos / "download.part")
    assert dataset.digest != before
