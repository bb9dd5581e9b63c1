"""Clips as rows of a manifest, from a captions file and real files."""

import csv
import dataclasses
import json
import shutil

import pytest

from pipeline.datasets import manifest, scan, video_columns
from pipeline.datasets.annotations import DatasetConfig, read_annotations
from pipeline.datasets.clips import clip_content
from pipeline.datasets.manifest import Files
from pipeline.datasets.protocol import apply_protocol
from pipeline.datasets.splits import SplitFractions, split_of
from pipeline.datasets.video_columns import pack
from pipeline.errors import AnnotationError
from tests.clips import make_clip

HEAD = ("video", "start_s", "end_s", "caption", "split", "id")


class Clips:
    """A folder with two files of 4 s and 1 s, and a captions file of `rows`."""

    def __init__(self, root):
        self.root, self.videos = root, root / "videos"
        self.settings = DatasetConfig(videos=str(self.videos), captions=str(root / "captions.csv"))

    def build(self, *rows, **settings):
        with (self.root / "captions.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEAD, *rows])
        self.settings = dataclasses.replace(self.settings, **settings)
        return scan.build("ours", self.settings, self.root / "cache.sqlite", 1, 60.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    make_clip(folder / "videos" / "long.mp4", fps=10, seconds=4)
    make_clip(folder / "videos" / "short.mp4", fps=10, seconds=1, sound=None)
    return folder / "videos"


@pytest.fixture
def clips(tmp_path, files, no_workers):
    shutil.copytree(files, tmp_path / "videos")
    return Clips(tmp_path)


def test_each_span_is_a_row_with_its_own_captions_and_identity(clips):
    built = clips.build(
        ("long", "1", "2.5", "One", "train", ""),
        ("long.mp4", 1.0, 2.5, "Two", "train", ""),
        ("long.mp4", 0, 1, "Three", "test", "first/clip"),
        ("short.mp4", "", "", "All of it", "val", "17"),
    )
    assert [video.video_id for video in built.videos] == ["first/clip", "long.mp4#t=1,2.5", "short.mp4"]
    first, second, whole = built.videos
    assert [caption.text for caption in second.captions] == ["One", "Two"]
    assert (second.file, second.span_s, second.duration_s, second.start_s) == ("long.mp4", (1.0, 2.5), 1.5, 1.0)
    assert (second.has_video, second.has_audio, second.problem, second.note) == (True, True, "", "")
    assert (first.file, first.span_s, first.split) == ("long.mp4", (0.0, 1.0), "test")
    assert (whole.file, whole.span_s, whole.start_s) == ("", (), 0.0)
    assert [path.name for path, _ in Files(built)] == ["long.mp4", "long.mp4", "short.mp4"]


def test_a_file_and_its_clips_have_different_keys(clips):
    rows = [("long.mp4", "", "", "All", "train", ""), ("long.mp4", 0, 4, "Nearly all", "train", "")]
    whole, clip, _ = clips.build(*rows).videos
    assert (whole.video_id, clip.video_id) == ("long.mp4", "long.mp4#t=0,4")
    assert clip.content == clip_content(whole.content, clip.span_s) != whole.content


def test_a_file_that_nothing_names_is_a_row_and_one_of_which_there_are_clips_is_not(clips):
    built = clips.build(("long.mp4", 0, 1, "One", "train", ""))
    assert [video.video_id for video in built.videos] == ["long.mp4#t=0,1", "short.mp4"]


def test_a_clip_ends_with_its_file_and_one_behind_it_is_a_row_with_the_reason(clips):
    built = clips.build(("short.mp4", 0.25, 9, "Cut off", "", "x"), ("short.mp4", 8, 9, "Nothing", "train", "y"))
    _, cut, behind = built.videos
    assert cut.span_s == pytest.approx((0.25, 1.0), abs=0.05)
    assert cut.duration_s == pytest.approx(cut.span_s[1] - 0.25)
    assert cut.note.startswith("the clip ends with the video at 1 s, and not at 9 s")
    assert behind.problem.startswith("the clip begins at 8 s, and the video ends at 1 s")
    assert (behind.duration_s, behind.is_usable) == (0.0, False)


def test_a_clip_without_a_caption_is_in_no_split_and_can_be_searched(clips):
    clip = clips.build(("long.mp4", 0, 1, "", "", "x")).videos[0]
    assert (clip.split, clip.captions, clip.is_usable) == ("", (), True)


def test_clips_of_a_missing_file_are_missing(clips):
    rows = [("gone.mp4", 0, 1, "One", "train", ""), ("long.mp4", 0, 1, "Two", "train", "")]
    gone = clips.build(*rows).videos[0]
    assert (gone.video_id, gone.problem, gone.is_missing) == ("gone.mp4#t=0,1", "no such file", True)
    assert clips.build(*rows, allow_partial=True).videos.ids == ["long.mp4#t=0,1", "short.mp4"]


def test_clips_of_one_file_fall_into_one_split_unless_the_captions_say_otherwise(clips):
    many = [(video, second, second + 1, "x", "", "") for video in "abcdefgh" for second in range(5)]
    path = clips.root / "more.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEAD, *many])
    splits = SplitFractions(0.5, 0.25, 0.25)
    settings = DatasetConfig(videos="videos", captions=str(path), split_fractions=splits)
    found = read_annotations(settings)
    assert {(one.clip.video, one.split) for one in found.values()} == {
        (video, split_of(video, splits)) for video in "abcdefgh"
    }
    moved = apply_protocol(found, dataclasses.replace(settings, validation_from_train=0.5))
    assert len({(one.clip.video, one.split) for one in moved.values()}) == 8
    with path.open("a", newline="") as file:
        csv.writer(file).writerows(
            [("new", 0, 1, "x", "val", ""), ("new", 2, 3, "x", "", ""), ("new", 4, 5, "x", "test", "")]
        )
    assert [one.split for one in read_annotations(settings).values() if one.clip.video == "new"] == [
        "val",
        "val",
        "test",
    ]


def test_clips_that_overlap_in_two_splits_are_told(clips):
    apart = [("long.mp4", 0, 1, "x", "train", ""), ("long.mp4", 1, 2, "x", "test", "")]
    assert clips.build(*apart).warnings == ()
    built = clips.build(*apart, ("long.mp4", 1.5, 3, "x", "train", "z"))
    assert built.warnings == (
        "clips that overlap with one of the same file in another split: 1, e.g. long.mp4#t=1,2 and z",
    )
    whole = clips.build(*apart[:1], ("long.mp4", "", "", "x", "val", ""))
    assert "e.g. long.mp4#t=0,1 and long.mp4" in whole.warnings[0]


@pytest.mark.parametrize("name", ["short.mp4", "long.mp4"])
def test_a_clip_cannot_be_called_like_a_file(clips, name):
    with pytest.raises(AnnotationError, match=f"{name}: the name of a clip, and of another one or of a file"):
        clips.build(("long.mp4", 0, 1, "One", "train", name))


def test_a_manifest_with_clips_is_read_back_as_it_was_saved(clips, monkeypatch):
    built = clips.build(("long.mp4", 0, 1, "One", "train", "x"), ("short.mp4", "", "", "Two", "val", ""))
    for group in (built.videos, pack(built.videos, has_clips=True)):
        one = manifest.of("ours", built.root, group)
        assert one.fingerprint == built.fingerprint
        manifest.save(one, clips.root / "manifests")
        loaded = manifest.load("ours", built.root, clips.root / "manifests", built.fingerprint)
        assert loaded.videos == built.videos
        assert loaded.videos.column("span_s") == [(0.0, 1.0), ()]


def test_without_clips_nothing_of_them_is_written(clips, monkeypatch):
    """An older version refuses what it does not know."""
    built = clips.build(("long.mp4", "", "", "One", "train", ""))
    manifest.save(built, clips.root / "manifests")
    (path,) = (clips.root / "manifests").glob("*/manifest.json")
    assert all(not {"file", "span_s"} & item.keys() for item in json.loads(path.read_text())["videos"])
    table = pack(built.videos)
    assert not {"file", "span_s"} & set(table._parquet.schema_arrow.names)
    assert (table.column("span_s"), table.column("file")) == ([(), ()], ["", ""])
    monkeypatch.setattr(video_columns, "FEW", 1)
    assert video_columns.gather(iter(built.videos)) == built.videos


def test_what_a_manifest_is_told_by_holds_where_a_clip_lies(clips):
    before = clips.build(("long.mp4", 0, 1, "One", "train", "x"))
    (clips.videos / "long.mp4").rename(clips.videos / "other.mp4")
    after = clips.build(("other.mp4", 0, 1, "One", "train", "x"))
    assert [video.content for video in before.videos][:1] == [video.content for video in after.videos][:1]
    assert before.fingerprint != after.fingerprint, "an index of it plays the file"


def test_new_changed_and_gone_clips_are_told(clips):
    before = clips.build(("long.mp4", 0, 1, "One", "train", "x"), ("short.mp4", 0, 0.5, "Two", "train", ""))
    cache = clips.root / "cache.sqlite"
    assert scan.changes(before, clips.settings, cache) == {"new": [], "changed": [], "gone": []}
    clips.build(("long.mp4", 0, 1, "One", "train", "x"), ("long.mp4", 2, 3, "New", "train", "y"))
    assert scan.changes(before, clips.settings, cache) == {
        "new": ["y", "short.mp4"], "changed": [], "gone": ["short.mp4#t=0,0.5"],
    }  # fmt: skip
    make_clip(clips.videos / "long.mp4", fps=10, seconds=3)
    assert scan.changes(before, clips.settings, cache)["changed"] == ["x"]
