"""What runs again after a change of videos or captions."""

import os
import shutil

import pytest

from pipeline.datasets.stamps import CHANGED
from pipeline.stores import store
from tasks import ExtractExpert, extraction
from tests.clips import write_srt
from tests.tasks.rerun.stages import BOTH, EVALUATE, MANIFEST, RGB, TEXT, TRAIN, evaluate, num_new_rows


def test_a_video_that_is_added_runs_all_experts_on_that_video_only(project):
    before = {name: project.feature_parts(name) for name in ("rgb_light", "speech_light")}
    project.add_video("new.mp4", 15, "train")
    project.write_captions()
    assert sorted(evaluate(project)) == sorted(MANIFEST + BOTH + TEXT + TRAIN + EVALUATE)
    for name, parts_before in before.items():
        assert num_new_rows(project, name, parts_before) == 1


def test_a_video_without_captions_needs_no_text(project):
    project.add_video("new.mp4", 15, None)
    assert evaluate(project) == MANIFEST + BOTH + TRAIN + EVALUATE


def test_a_video_that_is_replaced_runs_all_experts_on_that_video_only(project):
    before = project.feature_parts("rgb_light")
    project.add_video("v03.mp4", 16, None)
    assert evaluate(project) == MANIFEST + BOTH + TRAIN + EVALUATE
    assert num_new_rows(project, "rgb_light", before) == 1


def test_a_video_that_is_replaced_after_it_was_listed_fails_and_the_next_run_takes_it_up(project, monkeypatch):
    shutil.rmtree(project.data / "store" / "features")
    announce = extraction.announce_extraction

    def announce_and_replace(*rest):
        announce(*rest)
        project.add_video("v03.mp4", 16, None)

    with monkeypatch.context() as patch:
        patch.setattr(extraction, "announce_extraction", announce_and_replace)
        _, worked = project.attempt(ExtractExpert, dataset="tiny", expert="rgb_light")
    assert not worked
    rows = [row for part in project.feature_parts("rgb_light") for row in store.rows_of(part)]
    assert [row.reason for row in rows if row.failed] == [CHANGED]
    before = project.feature_parts("rgb_light")
    assert project.run(ExtractExpert, dataset="tiny", expert="rgb_light") == MANIFEST + RGB
    assert num_new_rows(project, "rgb_light", before) == 1


def test_subtitles_that_are_added_run_all_experts_on_that_video_only(project):
    before = project.feature_parts("speech_light")
    write_srt(project.videos / "v01.srt", [("a new word", 0.1, 0.9)])
    assert evaluate(project) == MANIFEST + BOTH + TRAIN + EVALUATE
    assert num_new_rows(project, "speech_light", before) == 1


def test_a_video_that_is_removed_runs_no_expert(project):
    (project.videos / "v07.mp4").unlink()
    project.rows = [row for row in project.rows if row["video"] != "v07.mp4"]
    project.write_captions()
    assert evaluate(project) == MANIFEST + TRAIN + EVALUATE


def test_a_video_that_is_renamed_runs_no_expert(project):
    (project.videos / "v07.mp4").rename(project.videos / "renamed.mp4")
    next(row for row in project.rows if row["video"] == "v07.mp4")["video"] = "renamed.mp4"
    project.write_captions()
    assert evaluate(project) == MANIFEST + TRAIN + EVALUATE


def test_a_second_copy_of_a_video_runs_no_expert(project):
    shutil.copy(project.videos / "v01.mp4", project.videos / "copy.mp4")
    assert evaluate(project) == MANIFEST + TRAIN + EVALUATE


def test_a_caption_that_changes_runs_the_text_and_no_expert(project):
    project.rows[0]["caption"] = "quite another sentence"
    project.write_captions()
    assert evaluate(project) == MANIFEST + TEXT + TRAIN + EVALUATE


def test_a_video_that_changes_its_split_runs_neither_experts_nor_text(project):
    project.rows[0]["split"] = "val"
    project.write_captions()
    assert evaluate(project) == MANIFEST + TRAIN + EVALUATE


@pytest.mark.parametrize("what", ["captions", "a video", "all videos"])
def test_files_that_were_only_touched_are_looked_into_and_run_nothing_else(project, what):
    reports = {path: path.stat().st_mtime_ns for path in project.data.glob("store/r*/**/*")}
    touched = {"captions": [project.captions], "a video": [project.videos / "v01.mp4"]}
    for path in touched.get(what, project.videos.iterdir()):
        os.utime(path, ns=(1, 1))
    assert evaluate(project) == MANIFEST
    assert {path: path.stat().st_mtime_ns for path in project.data.glob("store/r*/**/*")} == reports
    assert evaluate(project) == []


def test_a_video_that_is_put_back_is_looked_into_and_runs_nothing_else(project):
    (project.videos / "v01.mp4").rename(project.root / "aside.mp4")
    project.rows, rows = [row for row in project.rows if row["video"] != "v01.mp4"], project.rows
    project.write_captions()
    assert evaluate(project) == MANIFEST + TRAIN + EVALUATE
    (project.root / "aside.mp4").rename(project.videos / "v01.mp4")
    project.rows = rows
    project.write_captions()
    assert evaluate(project) == MANIFEST
