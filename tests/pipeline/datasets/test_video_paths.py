import os
import shutil

import pytest

from pipeline.datasets.names import Names
from pipeline.datasets.video_paths import videos_among
from pipeline.datasets.walk import walk


@pytest.fixture
def root(tmp_path, clip):
    for name in ("a.mp4", "A.QT", "folder/b", "b 12.30.45", "clip.mp4?dl=1", "download.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(clip, tmp_path / name)
    for name in ("README", "notes.txt", "v1.5", "folder/a.srt"):
        (tmp_path / name).write_text("no video")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dead").symlink_to("nowhere")
    return tmp_path


def names(root, left_out, *told):
    return {found.name for folder in videos_among(walk(root, left_out), root, left_out, *told) for found in folder}


def found(root, *named):
    left_out = []
    return names(root, left_out, lambda: named), {line.partition(":")[0] for line in left_out}


BY_ITSELF = {"a.mp4", "A.QT", "folder/b", "b 12.30.45", "clip.mp4?dl=1"}


def test_a_video_is_what_is_called_so_or_begins_so(root):
    assert found(root) == (BY_ITSELF, {str(root / "dead"), str(root / "loop")})


def test_what_captions_name_is_one_too(root):
    videos, left_out = found(root, "Download.part", "download.PART", ".\\notes.txt", "dead", "a", "README", "gone.mp4")
    assert videos == BY_ITSELF | {"download.part", "notes.txt", "dead", "README"}
    assert left_out == {str(root / "loop")}


def test_a_name_that_means_a_video_brings_in_nothing_else(root, clip):
    (root / "a").write_text("notes on a.mp4")
    assert found(root, "a")[0] == BY_ITSELF


def test_captions_are_not_read_where_there_is_nothing_but_videos(tmp_path, clip):
    shutil.copy(clip, tmp_path / "a.mp4")

    def named():
        raise AssertionError("read for nothing")

    assert names(tmp_path, [], named) == {"a.mp4"}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("notes.txt", "notes.txt"),
        ("notes.TXT", " notes.txt\u200b"),
        ("deep/notes.txt", "notes.txt/"),
        ("caf\u00e9.caf\u00e9", "cafe\u0301.cafe\u0301"),
        ("a b.xyz", "a%20b%2Exyz"),
        ("x", "x" + " " * 20),
        ("1.2", "./1.2/."),
        ("273.\u212a", "273.K"),
        ("deep/y", "deep\\y"),
    ],
)
def test_what_captions_name_is_found_however_the_name_is_written(tmp_path, file, name):
    """Of names whose last letters differ from those of all other files, none is looked for."""
    for path in ("a.mp4", file):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("no video")
    assert Names([file]).find(name) == {file}
    assert found(tmp_path, name, "a")[0] == {"a.mp4", file}


def test_captions_are_asked_whether_they_may_hold_an_ending_before_their_names_are_read(tmp_path, clip):
    shutil.copy(clip, tmp_path / "a.mp4")
    for name in ("a.srt", "README", "a.en.SRT"):
        (tmp_path / name).write_text("no video")
    asked = []

    def named():
        raise AssertionError("read for nothing")

    assert names(tmp_path, [], named, lambda endings: asked.append(endings) or False) == {"a.mp4"}
    assert asked == [{".srt", "readme"}]
    (tmp_path / "Été").touch()
    assert len(names(tmp_path, [], lambda: ["E\u0301té"], lambda _: False)) == 2, "no ASCII to ask for"
