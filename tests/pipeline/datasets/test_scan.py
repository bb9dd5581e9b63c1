import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest

from pipeline.datasets import manifest, scan, stamps
from pipeline.datasets.annotations import DatasetConfig, annotation_files
from pipeline.datasets.manifest import MISSING, UNLABELLED
from pipeline.datasets.sources import AnnotationFiles
from pipeline.datasets.splits import SplitFractions
from pipeline.errors import AnnotationError
from pipeline.remote_files.home import Reading
from pipeline.remote_files.places import folder_of
from tests.clips import make_clip, write_srt
from tests.pipeline.datasets.known import msrvtt_config
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.packed.test_tars import tar_of


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


def test_an_empty_folder_is_told_with_what_to_do(dataset):
    shutil.rmtree(dataset.videos)
    dataset.videos.mkdir()
    with pytest.raises(
        AnnotationError, match=r"no videos there; put them there or change 'videos' in configs/datasets/ours"
    ):
        dataset.build()


def test_a_folder_without_captions_is_a_collection_to_search(dataset):
    built = scan.build("ours", DatasetConfig(videos=str(dataset.videos)), dataset.root / "cache", 1, 60.0)
    assert {video.split for video in built.videos} == {UNLABELLED}


def test_a_broken_file_is_listed_with_its_problem(dataset):
    (dataset.videos / "broken.mp4").write_text("not a video")
    dataset.rows.append(("broken.mp4", "It was fine yesterday", "train", ""))
    (broken,) = [video for video in dataset.build().videos if video.video_id == "broken.mp4"]
    assert "a text file, not a video" in broken.problem
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
    before = dataset.digest
    SEEN[change](dataset, made)
    assert dataset.digest != before


@pytest.mark.parametrize("change", ["nothing", "patience", "model"])
def test_what_leaves_the_folder_alone_keeps_its_look(dataset, made, change):
    dataset.build()
    before = dataset.digest
    SAME[change](dataset, made)
    assert dataset.digest == before


def test_changes_are_told_without_reading_a_video(dataset, made, monkeypatch):
    dataset.rows.append(("gone.mp4", "Nobody saw it", "train", ""))
    before = dataset.build()
    cache = dataset.root / "cache.sqlite"
    assert scan.changes(before, dataset.settings, cache) == {"new": [], "changed": [], "gone": []}
    shutil.copy(made[3], dataset.videos / "new.mp4")
    shutil.copy(made[3], dataset.videos / "a.mp4")
    (dataset.videos / "b.mp4").unlink()
    monkeypatch.setattr(stamps, "file_sha256", None)
    changes = scan.changes(before, dataset.settings, cache)
    assert changes == {"new": ["new.mp4"], "changed": ["a.mp4"], "gone": ["b.mp4"]}


@pytest.mark.parametrize("name", ["a.mp4", "a.srt"])
def test_a_file_that_may_be_read_no_more_or_again_changes_the_look(dataset, monkeypatch, name):
    write_srt(dataset.videos / "a.srt", [("hi", 0, 1)])
    dataset.build()
    before = dataset.digest
    with monkeypatch.context() as closed:  # since root may read everything
        (dataset.videos / name).chmod(0o200)
        closed.setattr(os, "access", lambda path, mode: bool(Path(path).stat().st_mode & 0o400))
        assert dataset.digest != before
    (dataset.videos / name).chmod(0o600)
    assert dataset.digest == before, "the owner may read it again, others need not"


def test_missing_videos_of_a_known_dataset_stop_a_run_and_are_left_out_when_that_is_allowed(tmp_path, clip):
    sample_files.msrvtt(tmp_path)
    (tmp_path / "videos" / "TrainValVideo").mkdir(parents=True)
    for name in ("TrainValVideo/video0.mp4", "video6.mp4"):
        (tmp_path / "videos" / name).write_bytes(clip.read_bytes())
    with pytest.raises(AnnotationError, match=r"some: 10 of 12 captioned videos are not in .*videos, e\.g\. video"):
        scan.build("some", msrvtt_config(tmp_path), tmp_path / "cache", 1, 60.0)
    built = scan.build("some", msrvtt_config(tmp_path, allow_partial=True), tmp_path / "cache", 1, 60.0)
    assert [(video.video_id, video.split, len(video.captions)) for video in built.videos] == [
        ("TrainValVideo/video0.mp4", "train", 3), ("video6.mp4", "val", 3),
    ]  # fmt: skip
    assert "10 of 12 captioned videos" in built.warnings[0]
    manifest.save(built, tmp_path / "manifests")
    assert manifest.load("some", built.root, tmp_path / "manifests", built.fingerprint) == built


def test_videos_that_no_caption_names_are_left_out_where_that_is_asked_for(dataset, made, monkeypatch):
    every, plain = {video.video_id: video for video in dataset.build().videos}, dataset.digest
    dataset.rows = [("a.mp4", "A red star", "train", ""), ("sub/a", "Hi", "test", ""), ("gone", "Nobody", "val", "")]
    dataset.settings = dataclasses.replace(dataset.settings, only_named=True)
    inspected = []
    real = scan.inspect_files
    monkeypatch.setattr(scan, "inspect_files", lambda files, *rest: inspected.extend(files.ids) or real(files, *rest))
    built = dataset.build()
    assert [video.video_id for video in built.videos] == ["a.mp4", "gone", "sub/a.mp4"]
    assert [video.content for video in built.videos[::2]] == [every[name].content for name in ("a.mp4", "sub/a.mp4")]
    assert inspected == ["a.mp4", "sub/a.mp4"], "the others are not even read"
    assert dataset.digest != plain
    cache = dataset.root / "cache.sqlite"
    shutil.copy(made[3], dataset.videos / "new.mp4")
    assert scan.changes(built, dataset.settings, cache) == {"new": [], "changed": [], "gone": []}
    (dataset.videos / "sub" / "a.mp4").unlink()
    assert scan.changes(built, dataset.settings, cache) == {"new": [], "changed": [], "gone": ["sub/a.mp4"]}


def test_a_file_of_which_only_a_piece_is_named_is_named(dataset):
    (dataset.root / "captions.jsonl").write_text(
        '{"video": "b", "start_s": 0, "end_s": 0.1, "caption": "x", "id": "p"}'
    )
    captions = str(dataset.root / "captions.jsonl")
    dataset.settings = dataclasses.replace(dataset.settings, captions=captions, only_named=True)
    (video,) = dataset.build().videos
    assert (video.video_id, video.file) == ("p", "b.mp4")


@pytest.fixture
def whole_videos(tmp_path, no_workers):
    """MSR-VTT as clips, two of whose whole videos are there, the first of which ends too early."""
    sample_files.msrvtt(tmp_path)
    for number, seconds in enumerate((14, 30)):
        path = tmp_path / "videos" / f"{sample_files.youtube_id(2 * number)}.mp4"
        make_clip(path, seconds=seconds, fps=2, size=(64, 48))
    return msrvtt_config(tmp_path, clips=True, allow_partial=True)


def test_a_known_dataset_of_whole_videos_has_a_row_for_each_piece_that_it_names(tmp_path, whole_videos):
    built = scan.build("some", whole_videos, tmp_path / "cache", 1, 60.0)
    first, second = (f"{sample_files.youtube_id(number)}.mp4" for number in (0, 2))
    assert [(one.video_id, one.file, one.span_s, one.split, len(one.captions)) for one in built.videos] == [
        ("video0", first, (0.0, 11.72), "train", 3),
        ("video1", first, (12.5, 14.0), "train", 3),
        ("video2", second, (0.0, 11.72), "train", 3),
        ("video3", second, (12.5, 24.22), "train", 3),
    ]
    assert [one.note for one in built.videos] == [
        "",
        "the clip ends with the video at 14 s, and not at 24.22 s",
        "",
        "",
    ]
    assert [one.duration_s for one in built.videos] == [11.72, 1.5, 11.72, 11.72]
    assert len({one.content for one in built.videos}) == 4
    assert scan.changes(built, whole_videos, tmp_path / "cache") == {"new": [], "changed": [], "gone": []}
    (tmp_path / "videos" / second).unlink()
    told = scan.changes(built, whole_videos, tmp_path / "cache")
    assert told == {"new": [], "changed": [], "gone": ["video2", "video3"]}


def test_the_setting_changes_the_look_and_without_it_an_old_look_stands(tmp_path, whole_videos):
    plain = msrvtt_config(tmp_path)
    assert scan.scan_digest("some", dataclasses.replace(whole_videos, allow_partial=False)) != scan.scan_digest(
        "some", plain
    )
    assert "only_named" not in scan._manifest_settings(plain)
    assert scan._manifest_settings(plain)["annotations"] == {
        "format": "msrvtt", "folder": str(tmp_path), "variant": "full",
    }  # fmt: skip


def test_annotation_files_that_change_change_the_look(tmp_path):
    sample_files.msrvtt(tmp_path)
    before = scan.scan_digest("some", msrvtt_config(tmp_path))
    sample_files.msrvtt(tmp_path, captions=4)
    assert scan.scan_digest("some", msrvtt_config(tmp_path)) != before
    assert scan.scan_digest("some", msrvtt_config(tmp_path, allow_partial=True)) != before
    assert all(isinstance(path, Path) for path in annotation_files(msrvtt_config(tmp_path)))


def test_the_look_and_the_manifest_agree_on_which_files_captions_make_videos(dataset, made):
    """A look that reads no names in captions must not miss one."""
    shutil.copy(made[3], dataset.videos / "clip.part")
    (dataset.videos / "README").write_text("no video")
    dataset.rows += [("CLIP.PART", "not this one", "train", ""), ("clip.Part", "this one", "train", "")]
    found = {video.video_id for video in dataset.build().videos if not video.is_missing}
    assert found == {"a.mp4", "b.mp4", "sub/a.mp4", "clip.part"}
    before = dataset.digest
    shutil.copy(made[2], dataset.videos / "clip.part")
    assert dataset.digest != before
    before = dataset.digest
    shutil.copy(made[2], dataset.videos / "README")
    assert dataset.digest != before, "it begins like a video now"


def test_clips_of_a_known_dataset_are_pieces_of_its_whole_videos(tmp_path, no_workers):
    folder = tmp_path / "yc"
    steps = [{"segment": span, "id": place, "sentence": f"step {place}"} for place, span in enumerate(([0, 1], [1, 2]))]
    body = {"database": {"-xQ_": {"subset": "validation", "annotations": steps}}}
    sample_files.write(folder, "youcookii_annotations_trainval.json", json.dumps(body))
    make_clip(folder / "videos" / "214" / "-xQ_.mp4", fps=5, seconds=2.0, sound=None)
    files = AnnotationFiles("youcook2", str(folder), "clips")
    settings = DatasetConfig(videos=str(folder / "videos"), annotations=files)
    built = scan.build("youcook2_clips", settings, tmp_path / "cache", 1, 60.0)
    assert [(video.video_id, video.file, video.span_s, video.split) for video in built.videos] == [
        ("-xQ__0", "214/-xQ_.mp4", (0.0, 1.0), "test"), ("-xQ__1", "214/-xQ_.mp4", (1.0, 2.0), "test"),
    ]  # fmt: skip
    assert scan.changes(built, settings, tmp_path / "cache") == {"new": [], "changed": [], "gone": []}


def test_a_tar_that_may_have_a_named_video_and_cannot_be_read_is_a_row_also_where_only_named_ones_are(
    tmp_path, made, no_workers
):
    whole = tar_of({"a.mp4": made[0].read_bytes(), "b.mp4": made[1].read_bytes()})
    in_b = whole.index(made[1].read_bytes()) + 9
    shards = {"s-0.tar": whole, "s-1.tar": whole[:in_b], "s-2.tar": whole, "t.tar": b"junk" * 200}
    for name, content in shards.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "c.csv").write_text("video,caption,split\ns-0/a,x,train\n")
    root = folder_of(str(tmp_path / "*.tar"), tmp_path / "data", Reading(look_again_s=0))
    settings = DatasetConfig(videos=str(root), captions=str(tmp_path / "c.csv"), only_named=True)
    built = scan.build("tars", settings, tmp_path / "cache.sqlite", 1, 60.0)
    problems = {video.video_id: video.problem for video in built.videos}
    assert problems.pop("s-0/a.mp4") == "" and set(problems) == {"s-1/the rest", "t/all of it"}
    assert "it was cut off" in problems["s-1/the rest"] and "no header of a tar" in problems["t/all of it"]
    changes = scan.changes(built, settings, tmp_path / "cache.sqlite")
    assert changes["new"] == changes["gone"] == []
