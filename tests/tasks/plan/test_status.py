import shutil

import pytest

from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tasks import BuildManifest, EncodeLabels, EvaluateCE, ExtractExpert
from tasks.plan import code_digest
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tasks.plan.status import CODE_NOTE, status
from tests.tasks.cut_off import cut_off
from tests.tasks.labelled_project import add_labels


def stages_of(project, **more):
    """stage -> (fresh, why)"""
    with project.process():
        lines = status(load_plan(Paths().layout, "tiny", **more), "", "test")
        return {line.stage: (line.fresh, line.why) for line in lines}


STAGES = [
    "BuildManifest",
    "ExtractExpert rgb_light",
    "ExtractExpert speech_light",
    "EncodeText words_hashed",
    "TrainCE seed 0",
    "EvaluateCE test",
]
WAITS = (False, "waits for the stages above")


def test_all_is_fresh_after_a_run(project):
    lines = stages_of(project)
    assert list(lines) == STAGES
    assert all(fresh for fresh, _ in lines.values())
    assert lines["BuildManifest"] == (True, "14 videos")
    assert lines["ExtractExpert rgb_light"] == (True, "14 present")
    assert lines["ExtractExpert speech_light"] == (True, "5 present, 9 nothing there")
    assert str(project.data) in lines["EvaluateCE test"][1]


def test_notes_are_counted(project):
    cut_off(project, "cut.mp4")
    project.run(ExtractExpert, dataset="tiny", expert="rgb_light")
    lines = stages_of(project)
    assert lines["BuildManifest"] == (True, "15 videos, 1 with notes")
    assert lines["ExtractExpert rgb_light"] == (True, "15 present, 1 with notes")


def test_nothing_was_run_yet(project):
    shutil.rmtree(project.data / "store")
    lines = stages_of(project)
    assert lines["BuildManifest"] == (False, "the dataset's folder was not looked into yet")
    assert all(lines[stage] == WAITS for stage in STAGES[1:])
    project.run(BuildManifest, dataset="tiny")
    lines = stages_of(project)
    assert lines["BuildManifest"] == (True, "14 videos")
    assert lines["ExtractExpert rgb_light"] == (False, "all 14 videos: never extracted")
    assert lines["EncodeText words_hashed"] == (False, "all 14 captions: never encoded")
    assert lines["TrainCE seed 0"] == WAITS


def test_a_parameter_is_named_with_its_old_and_its_new_value(project):
    project.edit("experts", "rgb_light", params__fps=3.0)
    lines = stages_of(project)
    assert lines["ExtractExpert rgb_light"] == (False, "all 14 videos: params.fps: 2.0 -> 3.0")
    assert lines["ExtractExpert speech_light"][0]
    assert lines["TrainCE seed 0"] == lines["EvaluateCE test"] == WAITS


def test_what_a_model_was_trained_with_and_what_it_would_be_now(project):
    project.edit("models", "tiny", training__epochs=3, architecture__shared_dim=16)
    fresh, why = stages_of(project)["TrainCE seed 0"]
    assert not fresh
    assert "model.training.epochs: 2 -> 3" in why
    assert "model.architecture.shared_dim: 8 -> 16" in why
    assert len(why.split("; ")) == 2, "and nothing else"
    fresh, why = stages_of(project)["EvaluateCE test"]
    assert not fresh
    assert why.startswith("train.0: ")


def test_another_seed_or_split_was_never_run(project):
    with project.process():
        lines = {line.stage: line for line in status(load_plan(Paths().layout, "tiny"), "0,5", "val")}
    assert lines["TrainCE seed 0"].fresh
    assert (lines["TrainCE seed 5"].fresh, lines["TrainCE seed 5"].why) == (False, "never run")
    assert (lines["EvaluateCE val"].fresh, lines["EvaluateCE val"].why) == (False, "never run")


def test_videos_that_came_changed_or_went_are_named(project):
    project.add_video("new.mp4", 20, None)
    project.add_video("new2.mp4", 21, None)
    project.add_video("v03.mp4", 22, None)
    (project.videos / "v07.mp4").unlink()
    fresh, why = stages_of(project)["BuildManifest"]
    assert not fresh
    assert why == "2 new (e.g. new.mp4); 1 changed (e.g. v03.mp4); 1 gone (e.g. v07.mp4)"


def test_captions_that_changed_are_told(project):
    project.rows[0]["caption"] = "another sentence"
    project.write_captions()
    assert stages_of(project)["BuildManifest"] == (False, "the captions or settings changed")
    project.run(BuildManifest, dataset="tiny")
    lines = stages_of(project)
    assert lines["EncodeText words_hashed"] == (False, "1 captions are new")
    fresh, why = lines["TrainCE seed 0"]
    assert not fresh
    assert why.startswith("manifest: ")


def test_a_video_that_is_new_is_counted_for_each_expert(project):
    project.add_video("new.mp4", 20, None)
    project.run(BuildManifest, dataset="tiny")
    lines = stages_of(project)
    assert lines["ExtractExpert rgb_light"] == (False, "1 of 15 videos are new")
    project.run(ExtractExpert, dataset="tiny", expert="rgb_light")
    assert stages_of(project)["ExtractExpert rgb_light"] == (True, "15 present")


def test_failures_are_counted_and_too_many_are_told(project):
    (project.videos / "broken.mp4").write_text("not a video")
    project.attempt(EvaluateCE, dataset="tiny")
    fresh, why = stages_of(project)["ExtractExpert rgb_light"]
    assert not fresh
    assert why.startswith("expert rgb_light failed on 1 of 15 videos of tiny, e.g.: broken.mp4: Invalid data")
    assert "ForgetFailures --dataset tiny" in why
    assert "max_failed_fraction" in why
    project.edit("datasets", "tiny", max_failed_fraction=0.1)
    assert stages_of(project)["ExtractExpert rgb_light"] == (True, "14 present, 1 failed")


def test_an_expert_that_was_never_extracted_is_told(project):
    project.copy_config("experts", "scene_light")
    project.edit("models", "tiny", experts=["rgb_light", "speech_light", "scene_light"])
    lines = stages_of(project)
    assert lines["ExtractExpert scene_light"] == (False, "all 14 videos: never extracted")


def test_the_text_encoder_is_told_as_an_expert_is(project):
    project.edit("text", "words_hashed", params__longest=4)
    assert stages_of(project)["EncodeText words_hashed"] == (False, "all 14 captions: params.longest: 5 -> 4")


def test_status_reads_no_array_and_writes_nothing(project, monkeypatch):
    monkeypatch.setattr(parts, "read_array", None)
    before = {path: path.stat().st_mtime_ns for path in project.data.rglob("*")}
    stages_of(project)
    assert {path: path.stat().st_mtime_ns for path in project.data.rglob("*")} == before


@pytest.mark.parametrize("damage", ["", "{", "[]"])
def test_a_damaged_recipe_is_told(project, damage):
    from pipeline.errors import StoreError

    (mark,) = project.data.glob("store/reports/*/*/*/recipe.json")
    mark.write_text(damage)
    with pytest.raises(StoreError, match=r"damaged: recipe\.json is not a recipe"):
        stages_of(project)


def test_failed_rows_of_other_videos_are_not_counted(project):
    (store_folder,) = {part.parent for part in project.feature_parts("rgb_light")}
    empty = Features(_zeros(project), _zeros(project)[:, :2])
    parts.publish(store_folder, [Row("somebody else's", 0, failed=True, reason="x")], [empty], _zeros(project).shape[1])
    assert stages_of(project)["ExtractExpert rgb_light"] == (True, "14 present")


def _zeros(project):
    import numpy as np

    from extractors import registry

    return np.zeros((0, registry.expert("rgb_light", project.configs / "experts").extractor.dim), np.float32)


def test_other_code_is_a_note_and_no_reason_to_run(project, monkeypatch):
    digest = code_digest.digest
    monkeypatch.setattr(code_digest, "digest", lambda name: "another" if name == "colour_shape" else digest(name))
    lines = stages_of(project)
    assert lines["ExtractExpert rgb_light"] == (True, f"14 present ({CODE_NOTE.format('colour_shape')})")
    assert "code" not in lines["ExtractExpert speech_light"][1]
    assert lines["EncodeText words_hashed"] == (True, "")
    assert project.run(EvaluateCE, dataset="tiny") == []


def test_label_words_are_a_stage_where_experts_keep_labels(project):
    add_labels(project)
    assert stages_of(project)["EncodeLabels words_hashed"] == (False, "6 names of labels are new")
    project.run(EncodeLabels, dataset="tiny")
    assert stages_of(project)["EncodeLabels words_hashed"] == (True, "")
