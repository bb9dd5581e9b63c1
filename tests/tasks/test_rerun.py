"""What runs again after which change, exactly: the table of the README, as a test."""

import os
import shutil
from contextlib import contextmanager

import numpy as np
import pytest

from extractors import colour_shape, registry, spoken_words
from pipeline.stores import parts, store
from tasks import AblateExperts, EncodeText, EvaluateCE, ExtractExpert, TrainCE, extraction, manifest, training
from tasks.console import terminal
from tests.clips import write_srt
from tests.tasks.project import forget_everything

MANIFEST = ["BuildManifest"]
BOTH = ["ExtractExpert rgb_light,speech_light"]
RGB = ["ExtractExpert rgb_light"]
TEXT = ["EncodeText"]
TRAIN, EVALUATE = ["TrainCE 0"], ["EvaluateCE test"]


def run(project):
    return project.run(EvaluateCE, dataset="tiny")


def rows_of_new_parts(project, expert, before):
    """How many rows were written since."""
    store.rows_of.cache_clear()
    return sum(len(store.rows_of(part)) for part in project.feature_parts(expert) if part not in before)


def test_a_first_run_runs_everything_once_and_the_experts_together(finished):
    _, _, first = finished
    assert sorted(first) == sorted(MANIFEST + BOTH + TEXT + TRAIN + EVALUATE)
    assert first[0] == "BuildManifest"
    assert first[-2:] == ["TrainCE 0", "EvaluateCE test"]


def test_nothing_changed_runs_nothing(project):
    before = {path: path.stat().st_mtime_ns for path in project.data.rglob("*")}
    assert run(project) == []
    assert {path: path.stat().st_mtime_ns for path in project.data.rglob("*")} == before


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("experts", "rgb_light", {"runtime__batch_size": 3}),
        ("models", "tiny", {"runtime__device": "cpu"}),
        ("datasets", "tiny", {"max_failed_fraction": 0.5}),
        ("text", "words_hashed", {"runtime__batch_size": 3}),
    ],
)
def test_speed_and_patience_run_nothing(project, kind, name, change):
    project.edit(kind, name, **change)
    assert run(project) == []


def test_a_default_that_is_written_out_and_a_comment_run_nothing(project):
    path = project.configs / "experts" / "rgb_light.yaml"
    project.edit("experts", "rgb_light", params={"fps": 2, "short_px": 120})
    path.write_text("# a comment\n" + path.read_text())
    assert run(project) == []


def test_params_of_an_expert_run_that_expert_on_all_videos(project):
    before = project.feature_parts("rgb_light")
    project.edit("experts", "rgb_light", params__fps=3.0)
    assert run(project) == RGB + TRAIN + EVALUATE
    assert rows_of_new_parts(project, "rgb_light", before) == 14
    assert set(before) < set(project.feature_parts("rgb_light")), "the old features are kept"


def test_a_new_version_of_an_extractor_runs_that_expert(project, monkeypatch):
    monkeypatch.setattr(colour_shape.Expert, "version", 99)
    assert run(project) == RGB + TRAIN + EVALUATE


def test_other_weights_of_an_expert_run_that_expert(project, monkeypatch):
    monkeypatch.setattr(colour_shape.Expert, "weights", {"network": "0123456789abcdef"})
    assert run(project) == RGB + TRAIN + EVALUATE


def test_a_new_way_of_decoding_runs_all_experts(project, monkeypatch):
    monkeypatch.setattr(registry, "DECODE_VERSION", 99)
    assert run(project) == BOTH + TRAIN + EVALUATE


def test_a_video_that_is_added_runs_all_experts_on_that_video_only(project):
    before = {name: project.feature_parts(name) for name in ("rgb_light", "speech_light")}
    project.add_video("new.mp4", 15, "train")
    project.write_captions()
    assert sorted(run(project)) == sorted(MANIFEST + BOTH + TEXT + TRAIN + EVALUATE)
    for name, parts_before in before.items():
        assert rows_of_new_parts(project, name, parts_before) == 1


def test_a_video_without_captions_needs_no_text(project):
    project.add_video("new.mp4", 15, None)
    assert run(project) == MANIFEST + BOTH + TRAIN + EVALUATE


def test_a_video_that_is_replaced_runs_all_experts_on_that_video_only(project):
    before = project.feature_parts("rgb_light")
    project.add_video("v03.mp4", 16, None)
    assert run(project) == MANIFEST + BOTH + TRAIN + EVALUATE
    assert rows_of_new_parts(project, "rgb_light", before) == 1


def test_subtitles_that_are_added_run_all_experts_on_that_video_only(project):
    before = project.feature_parts("speech_light")
    write_srt(project.videos / "v01.srt", [("a new word", 0.1, 0.9)])
    assert run(project) == MANIFEST + BOTH + TRAIN + EVALUATE
    assert rows_of_new_parts(project, "speech_light", before) == 1


def test_a_video_that_is_removed_runs_no_expert(project):
    (project.videos / "v07.mp4").unlink()
    project.rows = [row for row in project.rows if row["video"] != "v07.mp4"]
    project.write_captions()
    assert run(project) == MANIFEST + TRAIN + EVALUATE


def test_a_video_that_is_renamed_runs_no_expert(project):
    (project.videos / "v07.mp4").rename(project.videos / "renamed.mp4")
    next(row for row in project.rows if row["video"] == "v07.mp4")["video"] = "renamed.mp4"
    project.write_captions()
    assert run(project) == MANIFEST + TRAIN + EVALUATE


def test_a_second_copy_of_a_video_runs_no_expert(project):
    shutil.copy(project.videos / "v01.mp4", project.videos / "copy.mp4")
    assert run(project) == MANIFEST + TRAIN + EVALUATE


def test_a_caption_that_changes_runs_the_text_and_no_expert(project):
    project.rows[0]["caption"] = "quite another sentence"
    project.write_captions()
    assert run(project) == MANIFEST + TEXT + TRAIN + EVALUATE


def test_a_video_that_changes_its_split_runs_neither_experts_nor_text(project):
    project.rows[0]["split"] = "val"
    project.write_captions()
    assert run(project) == MANIFEST + TRAIN + EVALUATE


@pytest.mark.parametrize("what", ["captions", "a video", "all videos"])
def test_files_that_were_only_touched_are_looked_into_and_run_nothing_else(project, what):
    reports = {path: path.stat().st_mtime_ns for path in project.data.glob("store/r*/**/*")}
    touched = {"captions": [project.captions], "a video": [project.videos / "v01.mp4"]}
    for path in touched.get(what, project.videos.iterdir()):
        os.utime(path, ns=(1, 1))
    assert run(project) == MANIFEST
    assert {path: path.stat().st_mtime_ns for path in project.data.glob("store/r*/**/*")} == reports
    assert run(project) == []


def test_a_new_expert_runs_only_itself(project):
    project.copy_config("experts", "scene_light")
    assert run(project) == [], "no model asks for it"
    project.edit("models", "tiny", experts=["rgb_light", "speech_light", "scene_light"])
    assert run(project) == ["ExtractExpert scene_light", *TRAIN, *EVALUATE]


def test_an_expert_less_runs_no_expert(project):
    project.edit("models", "tiny", experts=["rgb_light"])
    assert run(project) == TRAIN + EVALUATE


@pytest.mark.parametrize(
    "change",
    [
        {"training__epochs": 3},
        {"architecture__shared_dim": 16},
        {"text_pool__clusters": 3},
        {"training__learning_rate": 0.02},
    ],
)
def test_the_model_runs_training_and_evaluation(project, change):
    project.edit("models", "tiny", **change)
    assert run(project) == TRAIN + EVALUATE


def test_the_order_of_experts_in_the_model_runs_nothing(project):
    project.edit("models", "tiny", experts=["speech_light", "rgb_light"])
    assert run(project) == []


def test_how_an_expert_is_pooled_runs_training_and_no_expert(project):
    project.edit("experts", "speech_light", model__clusters=3)
    assert run(project) == TRAIN + EVALUATE


def test_the_text_encoder_runs_the_text_and_training(project):
    project.edit("text", "words_hashed", params__longest=4)
    assert run(project) == TEXT + TRAIN + EVALUATE


def test_another_seed_runs_only_itself(project):
    assert project.run(EvaluateCE, dataset="tiny", seeds="0,7") == ["TrainCE 7", *EVALUATE]
    assert project.run(EvaluateCE, dataset="tiny", seeds="7") == EVALUATE
    assert project.run(EvaluateCE, dataset="tiny", seeds="7,0") == [], "the order of seeds is no matter"
    assert run(project) == []


def test_another_split_runs_only_the_evaluation(project):
    assert project.run(EvaluateCE, dataset="tiny", split="val") == ["EvaluateCE val"]
    assert run(project) == []


def test_a_model_of_the_same_experts_shares_their_features(project):
    shutil.copy(project.configs / "models" / "tiny.yaml", project.configs / "models" / "other.yaml")
    project.edit("models", "other", training__epochs=1)
    assert project.run(EvaluateCE, dataset="tiny", model="other") == TRAIN + EVALUATE


def test_a_parameter_that_is_put_back_runs_nothing(project):
    before = (project.configs / "experts" / "rgb_light.yaml").read_text()
    project.edit("experts", "rgb_light", params__fps=3.0)
    assert run(project) == RGB + TRAIN + EVALUATE
    (project.configs / "experts" / "rgb_light.yaml").write_text(before)
    assert run(project) == []


def test_a_video_that_is_put_back_is_looked_into_and_runs_nothing_else(project):
    (project.videos / "v01.mp4").rename(project.root / "aside.mp4")
    project.rows, rows = [row for row in project.rows if row["video"] != "v01.mp4"], project.rows
    project.write_captions()
    assert run(project) == MANIFEST + TRAIN + EVALUATE
    (project.root / "aside.mp4").rename(project.videos / "v01.mp4")
    project.rows = rows
    project.write_captions()
    assert run(project) == MANIFEST


@contextmanager
def killed_after(monkeypatch, what, done_before):
    """Ctrl-C when so much of a stage is done."""
    bar = terminal.progress_bar

    @contextmanager
    def impatient(title, unit):
        with bar(title, unit) as move:

            def moved(done, of):
                move(done, of)
                if title.startswith(what) and done >= done_before:
                    raise KeyboardInterrupt

            yield moved

    with monkeypatch.context() as patch:
        for stage in (manifest, extraction, training):
            patch.setattr(stage, "progress_bar", impatient)
        yield


def kill(project, monkeypatch, what, done_before, **extraction):
    with killed_after(monkeypatch, what, done_before), pytest.raises(KeyboardInterrupt):
        project.attempt(EvaluateCE, extraction, dataset="tiny")


def values_of(project, expert):
    forget_everything()
    (folder,) = {part.parent for part in project.feature_parts(expert)}
    keys = sorted(store.rows(folder))
    return keys, parts.read(folder, keys, registry.expert(expert, project.configs / "experts").extractor.dim)


def test_a_kill_during_extraction_runs_what_is_missing(project, monkeypatch):
    wanted = {name: values_of(project, name) for name in ("rgb_light", "speech_light")}
    shutil.rmtree(project.data / "store" / "features")
    kill(project, monkeypatch, "Extracting", 10, videos_per_part=4)
    before = project.feature_parts("rgb_light")
    assert rows_of_new_parts(project, "rgb_light", []) == 8, "two parts of four"
    ran = run(project)
    assert ran[0] == BOTH[0]
    assert rows_of_new_parts(project, "rgb_light", before) == 6
    for name, (keys, block) in wanted.items():
        keys_now, now = values_of(project, name)
        assert keys_now == keys
        np.testing.assert_array_equal(now.values, block.values)
        np.testing.assert_array_equal(now.offsets, block.offsets)


def test_a_kill_during_training_resumes_and_ends_with_the_same_report(project, monkeypatch):
    project.edit("models", "tiny", training__epochs=6, runtime__checkpoint_s=0.0)
    assert run(project) == TRAIN + EVALUATE
    wanted = project.report()
    shutil.rmtree(project.data / "store" / "runs")
    shutil.rmtree(project.data / "store" / "reports")
    kill(project, monkeypatch, "Training", 3)
    assert run(project) == TRAIN + EVALUATE
    now = project.report()
    assert now["training"] == wanted["training"]
    assert now["t2v"] == wanted["t2v"]


def test_a_kill_while_files_are_looked_into_keeps_what_was_seen(project, monkeypatch):
    for path in project.videos.iterdir():
        os.utime(path, ns=(1, 1))
    kill(project, monkeypatch, "Looking", 5)
    seen = []
    bar = terminal.progress_bar

    @contextmanager
    def watching(title, unit):
        with bar(title, unit) as move:
            yield lambda done, of: seen.append((title, of)) or move(done, of)

    monkeypatch.setattr(manifest, "progress_bar", watching)
    assert run(project) == MANIFEST
    assert seen[0] == ("Looking into the files", 14 - 5)


def test_one_expert_that_fails_runs_only_itself_again(project, monkeypatch):
    shutil.rmtree(project.data / "store" / "features")
    with monkeypatch.context() as patch:
        patch.setattr(spoken_words.Expert, "embed", lambda self, items: 1 / 0)
        ran, worked = project.attempt(EvaluateCE, dataset="tiny")
    assert not worked
    assert ran == BOTH
    assert rows_of_new_parts(project, "rgb_light", []) == 14, "the other one is kept"
    assert run(project) == ["ExtractExpert speech_light"], "and its old runs fit again"


def test_too_many_failures_stop_the_run_and_a_broken_file_can_be_allowed(project, capsys):
    (project.videos / "broken.mp4").write_text("not a video")
    ran, worked = project.attempt(EvaluateCE, dataset="tiny")
    assert (ran, worked) == (MANIFEST + BOTH, False)
    ran, worked = project.attempt(EvaluateCE, dataset="tiny")
    assert not worked, "a failure is not forgotten by asking again"
    project.edit("datasets", "tiny", max_failed_fraction=0.1)
    assert run(project) == TRAIN + EVALUATE
    assert {row["video"] for row in project.report()["failures"]} == {"broken.mp4"}


def test_a_deleted_part_is_extracted_again_and_the_old_run_fits(project):
    (part,) = project.feature_parts("rgb_light")
    keys, wanted = values_of(project, "rgb_light")
    shutil.rmtree(part)
    assert run(project) == RGB
    keys_now, now = values_of(project, "rgb_light")
    assert keys_now == keys
    np.testing.assert_array_equal(now.values, wanted.values)


def test_deleted_results_are_made_again(project):
    shutil.rmtree(project.data / "store" / "reports")
    assert run(project) == EVALUATE
    for kind in ("text", "runs"):
        shutil.rmtree(project.data / "store" / kind)
        assert run(project) == [], "the report is there, and is of what was deleted"
    assert project.run(TrainCE, dataset="tiny", seed=0) == TEXT + TRAIN
    shutil.rmtree(project.data / "store" / "manifests")
    assert run(project) == MANIFEST
    shutil.rmtree(project.data / "cache")
    assert run(project) == []


def test_a_result_without_its_commit_mark_is_made_again(project):
    """As after a kill between the last file and recipe.json."""
    (mark,) = project.data.glob("store/reports/*/*/*/recipe.json")
    mark.unlink()
    assert run(project) == EVALUATE


def test_half_a_run_of_one_task_is_enough_for_another(project):
    shutil.rmtree(project.data / "store")
    assert project.run(ExtractExpert, dataset="tiny", expert="rgb_light") == MANIFEST + RGB
    assert project.run(EncodeText, dataset="tiny") == TEXT
    assert project.run(TrainCE, dataset="tiny", seed=0) == ["ExtractExpert speech_light", *TRAIN]
    assert run(project) == EVALUATE


def test_an_ablation_trains_without_each_expert_and_extracts_nothing(project):
    ran = project.run(AblateExperts, dataset="tiny")
    assert sorted(ran) == sorted([*TRAIN * 2, *EVALUATE * 2, "AblateExperts"])
    assert project.run(AblateExperts, dataset="tiny") == []
    assert run(project) == []
