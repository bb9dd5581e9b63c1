import csv
import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest

from pipeline import files, manifest
from pipeline.annotations import DatasetConfig, SplitFractions
from pipeline.engine import Done
from pipeline.errors import AnnotationError, StoreError
from pipeline.manifest import MISSING, UNLABELLED
from tests.clips import make_clip, write_srt


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    """Looks into files in this process: the pool has tests of its own."""
    manifest._load_videos.cache_clear()
    monkeypatch.setattr(
        files, "run_jobs", lambda function, jobs, *rest, **more: (Done(job, function(job), None) for job in jobs)
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four small clips that differ."""
    folder = tmp_path_factory.mktemp("made")
    return [make_clip(folder / f"{number}.mp4", seconds=0.2 + 0.2 * number) for number in range(4)]


class Dataset:
    """A folder of videos and its captions, to be changed."""

    def __init__(self, root, made):
        self.root = root
        self.videos = root / "videos"
        self.videos.mkdir()
        for name, source in zip(("a.mp4", "b.mp4", "sub/a.mp4"), made, strict=False):
            (self.videos / name).parent.mkdir(exist_ok=True)
            shutil.copy(source, self.videos / name)
        self.rows = [
            ("a.mp4", "A red star", "train", "rgb"),
            ("b.mp4", "A tone", "val", ""),
            ("sub/a", "Hi", "test", ""),
        ]
        self.rows.append(("a.mp4", "It turns", "train", "flow"))
        self.settings = DatasetConfig(videos=str(self.videos), captions=str(root / "captions.csv"))

    def build(self, name="ours"):
        with (self.root / "captions.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("video", "caption", "split", "tags"), *self.rows])
        return manifest.build(name, self.settings, self.root / "cache.sqlite", 1, 60.0)

    @property
    def look(self):
        return manifest.scan_digest("ours", self.settings)


@pytest.fixture
def dataset(tmp_path, made):
    return Dataset(tmp_path, made)


def test_videos_are_listed_by_id_with_their_captions_and_splits(dataset):
    built = dataset.build()
    assert [video.video_id for video in built.videos] == ["a.mp4", "b.mp4", "sub/a.mp4"]
    first, _, third = built.videos
    assert (first.split, [caption.text for caption in first.captions]) == ("train", ["A red star", "It turns"])
    assert [caption.tags for caption in first.captions] == [("rgb",), ("flow",)]
    assert (first.has_video, first.has_audio, first.has_subtitles, first.problem) == (True, True, False, "")
    assert first.duration_s == pytest.approx(0.2, abs=0.05)
    assert third.split == "test", "the captions name it without its suffix"
    assert built.split("train") == [first]
    assert built.path(third) == dataset.videos / "sub" / "a.mp4"
    assert built.path(third).is_file()


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


def test_a_video_without_captions_is_extracted_and_in_no_split(dataset, made):
    shutil.copy(made[3], dataset.videos / "more.mp4")
    built = dataset.build()
    (more,) = [video for video in built.videos if video.video_id == "more.mp4"]
    assert (more.split, more.captions) == (UNLABELLED, ())
    assert all(more not in built.split(name) for name in ("train", "val", "test", UNLABELLED))


def test_a_captioned_video_that_is_not_there_is_listed_with_its_problem(dataset):
    dataset.rows.append(("gone.mp4", "Nobody saw it", "train", ""))
    (gone,) = [video for video in dataset.build().videos if video.video_id == "gone.mp4"]
    assert (gone.problem, gone.has_video, gone.split) == (MISSING, False, "train")


def test_captions_of_another_dataset_are_told(dataset):
    dataset.rows = [("video7010.mp4", "x", "train", ""), ("video7011.mp4", "y", "test", "")]
    with pytest.raises(AnnotationError, match=r"captions\.csv: names 'video7010\.mp4' and others, none of which is in"):
        dataset.build()


def test_an_empty_folder_is_told_with_what_to_do(dataset):
    shutil.rmtree(dataset.videos)
    dataset.videos.mkdir()
    with pytest.raises(
        AnnotationError, match=r"no videos there; put them there or change 'videos' in configs/datasets/ours"
    ):
        dataset.build()


def test_a_folder_without_captions_is_a_collection_to_search(dataset):
    built = manifest.build("ours", DatasetConfig(videos=str(dataset.videos)), dataset.root / "cache", 1, 60.0)
    assert {video.split for video in built.videos} == {UNLABELLED}


def test_a_broken_file_is_listed_with_its_problem(dataset):
    (dataset.videos / "broken.mp4").write_text("not a video")
    dataset.rows.append(("broken.mp4", "It was fine yesterday", "train", ""))
    (broken,) = [video for video in dataset.build().videos if video.video_id == "broken.mp4"]
    assert "Invalid data" in broken.problem
    assert broken.captions


def names_after(dataset, change):
    """(fingerprint before, after) a change."""
    before = dataset.build().fingerprint
    change()
    return before, dataset.build().fingerprint


def move_elsewhere(dataset, made):
    dataset.videos = dataset.videos.rename(dataset.root / "elsewhere")
    dataset.settings = dataclasses.replace(dataset.settings, videos=str(dataset.videos))


def rename(dataset, made):
    (dataset.videos / "b.mp4").rename(dataset.videos / "c.mp4")
    dataset.rows[1] = ("c.mp4", *dataset.rows[1][1:])


def set_row(number, *row):
    return lambda dataset, made: dataset.rows.__setitem__(number, row)


def replace_settings(**changed):
    def change(dataset, made):
        dataset.settings = dataclasses.replace(dataset.settings, **changed)

    return change


SAME = {
    "nothing": lambda dataset, made: None,
    "touched": lambda dataset, made: os.utime(dataset.videos / "a.mp4", ns=(1, 1)),
    "moved elsewhere": move_elsewhere,
    "rows in another order": lambda dataset, made: dataset.rows.insert(0, dataset.rows.pop(2)),
    "patience": replace_settings(max_failed_fraction=0.5),
    "model": replace_settings(model="ce_paper"),
}

OTHER = {
    "added": lambda dataset, made: shutil.copy(made[3], dataset.videos / "new.mp4"),
    "replaced": lambda dataset, made: shutil.copy(made[3], dataset.videos / "a.mp4"),
    "removed": lambda dataset, made: (dataset.videos / "b.mp4").unlink(),
    "renamed": rename,
    "subtitled": lambda dataset, made: write_srt(dataset.videos / "a.srt", [("hi", 0, 1)]),
    "caption": set_row(0, "a.mp4", "A blue star", "train", "rgb"),
    "more captions": lambda dataset, made: dataset.rows.append(("a.mp4", "Once more", "train", "")),
    "tags": set_row(0, "a.mp4", "A red star", "train", "rgb;flow"),
    "split": set_row(1, "b.mp4", "A tone", "train", ""),
}


@pytest.mark.parametrize("change", SAME)
def test_what_changes_no_content_keeps_the_fingerprint(dataset, made, change):
    before = dataset.build().fingerprint
    SAME[change](dataset, made)
    assert dataset.build().fingerprint == before


@pytest.mark.parametrize("change", OTHER)
def test_what_changes_the_dataset_changes_the_fingerprint(dataset, made, change):
    before = dataset.build().fingerprint
    OTHER[change](dataset, made)
    assert dataset.build().fingerprint != before


def test_a_change_that_is_undone_brings_the_fingerprint_back(dataset, made):
    before = dataset.build().fingerprint
    shutil.copy(made[3], dataset.videos / "a.mp4")
    assert dataset.build().fingerprint != before
    shutil.copy(made[0], dataset.videos / "a.mp4")
    assert dataset.build().fingerprint == before


def test_another_dataset_of_the_same_videos_has_another_fingerprint(dataset):
    assert dataset.build("ours").fingerprint != dataset.build("theirs").fingerprint


def test_a_manifest_is_read_back_as_it_was_saved(dataset):
    dataset.rows[0] = ("a.mp4", 'ünï 日本語 "quoted" 🎬', "train", "rgb")
    built = dataset.build()
    folder = dataset.root / "manifests"
    manifest.save(built, folder)
    assert manifest.load("ours", dataset.videos, folder, built.fingerprint) == built


@pytest.mark.parametrize("text", ["", "{", "[]", '{"videos": 3}', '{"videos": [{"video_id": "a"}]}'])
def test_a_damaged_manifest_is_told_and_what_to_do(dataset, text):
    built = dataset.build()
    folder = dataset.root / "manifests"
    manifest.save(built, folder)
    (folder / built.fingerprint / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.json: not a manifest.*delete its folder and run again"):
        manifest.load("ours", dataset.videos, folder, built.fingerprint)


def test_the_pointer_leads_to_the_manifest_of_the_look_and_only_to_one_that_is_there(dataset):
    folder = dataset.root / "manifests"
    built = dataset.build()
    assert manifest.read_pointer(folder, dataset.look) is None
    manifest.write_pointer(folder, dataset.look, built.fingerprint)
    assert manifest.read_pointer(folder, dataset.look) is None, "the manifest itself is not there"
    manifest.save(built, folder)
    assert manifest.read_pointer(folder, dataset.look) == built.fingerprint
    assert manifest.read_pointer(folder, "0123456789ab") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"manifest": null}'])
def test_a_damaged_pointer_leads_nowhere(dataset, text):
    folder = dataset.root / "manifests"
    manifest.write_pointer(folder, "look", "name")
    next(folder.glob("look-*.json")).write_text(text)
    assert manifest.read_pointer(folder, "look") is None


SEEN = {
    "added": OTHER["added"],
    "removed": OTHER["removed"],
    "subtitled": OTHER["subtitled"],
    "touched": SAME["touched"],
    "captions": lambda dataset, made: Path(dataset.settings.captions).write_text("video,caption\na.mp4,x\n"),
    "captions gone": lambda dataset, made: Path(dataset.settings.captions).unlink(),
    "fractions": replace_settings(split_fractions=SplitFractions(0.5, 0.2, 0.3)),
    "no captions": replace_settings(captions=None),
}


@pytest.mark.parametrize("change", SEEN)
def test_whatever_happens_in_the_folder_changes_its_look(dataset, made, change):
    dataset.build()
    before = dataset.look
    SEEN[change](dataset, made)
    assert dataset.look != before


@pytest.mark.parametrize("change", ["nothing", "patience", "model"])
def test_what_leaves_the_folder_alone_keeps_its_look(dataset, made, change):
    dataset.build()
    before = dataset.look
    SAME[change](dataset, made)
    assert dataset.look == before


def test_changes_are_told_without_reading_a_video(dataset, made, monkeypatch):
    dataset.rows.append(("gone.mp4", "Nobody saw it", "train", ""))
    before = dataset.build()
    cache = dataset.root / "cache.sqlite"
    assert manifest.changes(before, dataset.settings, cache) == {"new": [], "changed": [], "gone": []}
    shutil.copy(made[3], dataset.videos / "new.mp4")
    shutil.copy(made[3], dataset.videos / "a.mp4")
    (dataset.videos / "b.mp4").unlink()
    monkeypatch.setattr(files, "file_sha256", None)
    told = manifest.changes(before, dataset.settings, cache)
    assert told == {"new": ["new.mp4"], "changed": ["a.mp4"], "gone": ["b.mp4"]}


def test_the_recipe_lists_what_the_fingerprint_is_made_of(dataset):
    built = dataset.build()
    recipe = manifest.recipe("ours", list(built.videos))
    assert recipe["stage"] == "manifest"
    assert [entry[0] for entry in recipe["videos"]] == ["a.mp4", "b.mp4", "sub/a.mp4"]
    assert recipe["videos"][0][3] == [["A red star", "rgb"], ["It turns", "flow"]]
    assert json.loads(json.dumps(recipe)) == recipe
