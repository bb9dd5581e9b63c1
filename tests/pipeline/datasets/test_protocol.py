"""Counting, splitting and fusing, and the message of a dataset that is not there."""

from pathlib import Path

import pytest

from pipeline import config
from pipeline.datasets import annotations, manifest, scan
from pipeline.datasets.annotations import Annotation, Caption, DatasetConfig, load_dataset
from pipeline.datasets.availability import how_to_get, reader
from pipeline.datasets.protocol import annotations_of, apply_protocol, wrong_counts
from pipeline.datasets.sources import AnnotationFiles, SplitCounts
from pipeline.errors import AnnotationError, ConfigError
from tests.conftest import ROOT
from tests.pipeline.datasets.readers import sample_files

DATASETS = ROOT / "configs" / "datasets"
KNOWN = [name for name in config.names(DATASETS) if load_dataset(name, DATASETS).annotations]


def said(split, *texts):
    return Annotation(split, tuple(map(Caption, texts)))


def settings(tmp_path, **more):
    return DatasetConfig(
        videos=str(tmp_path / "videos"), annotations=AnnotationFiles("msrvtt", str(tmp_path), "full"), **more
    )


def test_other_counts_than_the_known_ones_are_told_by_split():
    found = {"a": said("train", "x", "y"), "b": said("train", "z"), "c": said("test", "x")}
    counts = {"train": SplitCounts((2,), (3,)), "val": SplitCounts((5,)), "test": SplitCounts((2, 3), (7,))}
    assert wrong_counts(found, counts) == [
        "val: 0 videos, known are 5", "test: 1 videos, known are 2 or 3", "test: 1 captions, known are 7",
    ]  # fmt: skip


def test_wrong_counts_stop_a_run_unless_partial_ones_are_allowed(tmp_path):
    sample_files.msrvtt(tmp_path)
    counts = {"train": SplitCounts((6513,)), "val": SplitCounts((2,), (6,))}
    with pytest.raises(AnnotationError, match=r"train: 6 videos, known are 6513; get .* or go on with --allow-partial"):
        annotations_of("msrvtt", settings(tmp_path, counts=counts))
    found, warnings = annotations_of("msrvtt", settings(tmp_path, counts=counts, allow_partial=True))
    assert len(found) == 12
    assert warnings == ["not the known train: 6 videos, known are 6513"]


def test_a_validation_split_is_taken_from_the_training_videos_by_their_names():
    found = {f"video{i}": said("test" if i % 10 == 0 else "train", "x") for i in range(2000)}
    used = apply_protocol(found, DatasetConfig(videos="v", validation_from_train=0.1))
    moved = {name for name in found if used[name].split != found[name].split}
    assert {used[name].split for name in moved} == {"val"}
    assert {found[name].split for name in moved} == {"train"}
    assert len(moved) == pytest.approx(180, abs=5 * (1800 * 0.1 * 0.9) ** 0.5)  # five standard deviations
    fewer = apply_protocol(dict(list(found.items())[:50]), DatasetConfig(videos="v", validation_from_train=0.1))
    assert all(used[name] == fewer[name] for name in fewer)


def test_a_paragraph_is_all_captions_of_a_video_one_after_another():
    found = {"a": said("train", "A boy.", "He rows."), "b": Annotation("test", ())}
    used = apply_protocol(found, DatasetConfig(videos="v", fuse_captions=True))
    assert used == {"a": said("train", "A boy. He rows."), "b": Annotation("test", ())}


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_dataset_with_nothing_there_is_one_message_with_all_that_one_needs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = load_dataset(name, DATASETS)
    with pytest.raises(AnnotationError) as caught:
        scan.build(name, wanted, tmp_path / "cache", 1, 60.0)
    told = str(caught.value)
    assert told == how_to_get(name, wanted)
    for part in wanted.parts:
        assert all(fact in told for fact in (part.where, part.licence, part.size, part.into))
    assert (f"FetchAnnotations --dataset {name}" in told) == any(part.public for part in wanted.parts)
    assert (f"ImportExperts --dataset {name}" in told) == (wanted.released is not None)
    assert reader(wanted.annotations.format).FILES in told


def test_what_is_there_is_not_asked_for(tmp_path):
    sample_files.msrvtt(tmp_path)
    told = how_to_get("some", settings(tmp_path))
    assert "- videos, below" in told
    assert "- annotations" not in told


@pytest.mark.parametrize("name", KNOWN)
def test_the_configs_of_known_datasets_agree_with_their_readers(name):
    known = load_dataset(name, DATASETS)
    assert known.annotations.variant in reader(known.annotations.format).VARIANTS
    assert set(known.counts) >= {"train", "test"}
    assert ("val" in known.counts) != (known.validation_from_train > 0)
    if known.released:
        assert set(known.released.lists) == set(known.counts)
        assert known.released.model in config.names(ROOT / "configs" / "models")


def test_a_format_that_no_reader_knows_is_told():
    with pytest.raises(ConfigError, match=r"annotations\.format 'coco': there are activitynet, didemo, lsmdc, msrvtt"):
        reader("coco")


def test_missing_videos_of_a_known_dataset_stop_a_run_and_are_left_out_when_that_is_allowed(tmp_path, clip):
    sample_files.msrvtt(tmp_path)
    (tmp_path / "videos" / "TrainValVideo").mkdir(parents=True)
    for name in ("TrainValVideo/video0.mp4", "video6.mp4"):
        (tmp_path / "videos" / name).write_bytes(clip.read_bytes())
    with pytest.raises(AnnotationError, match=r"some: 10 of 12 captioned videos are not in .*videos, e\.g\. video"):
        scan.build("some", settings(tmp_path), tmp_path / "cache", 1, 60.0)
    built = scan.build("some", settings(tmp_path, allow_partial=True), tmp_path / "cache", 1, 60.0)
    assert [(video.video_id, video.split, len(video.captions)) for video in built.videos] == [
        ("TrainValVideo/video0.mp4", "train", 3), ("video6.mp4", "val", 3),
    ]  # fmt: skip
    assert "10 of 12 captioned videos" in built.warnings[0]
    manifest.save(built, tmp_path / "manifests")
    assert manifest.load("some", built.root, tmp_path / "manifests", built.fingerprint) == built


def test_annotation_files_that_change_change_the_look(tmp_path):
    sample_files.msrvtt(tmp_path)
    before = scan.scan_digest("some", settings(tmp_path))
    sample_files.msrvtt(tmp_path, captions=4)
    assert scan.scan_digest("some", settings(tmp_path)) != before
    assert scan.scan_digest("some", settings(tmp_path, allow_partial=True)) != before
    assert all(isinstance(path, Path) for path in annotations.annotation_files(settings(tmp_path)))


def test_captions_may_lie_beside_the_videos_as_text(tmp_path, clip):
    for name in ("a/clip.mp4", "b/clip.mp4", "silent.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(clip.read_bytes())
    (tmp_path / "a" / "clip.txt").write_text("A dog.\n\n  It   runs. \n", encoding="utf-8-sig")
    (tmp_path / "b" / "clip.txt").write_text("日本語")
    own = DatasetConfig(videos=str(tmp_path), captions="*.txt")
    told = annotations.read_annotations(own)
    assert {name: [caption.text for caption in one.captions] for name, one in told.items()} == {
        "a/clip.mp4": ["A dog.", "It runs."], "b/clip.mp4": ["日本語"],
    }  # fmt: skip
    before = scan.scan_digest("own", own)
    (tmp_path / "silent.txt").write_text("Nothing is heard.")
    assert scan.scan_digest("own", own) != before
