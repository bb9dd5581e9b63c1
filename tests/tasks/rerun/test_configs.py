"""What runs again after a change of a config or of code: with its neighbours, the table of docs/reruns.md as tests."""

import shutil

import pytest

from extractors import colour_shape, registry
from tasks import AblateExperts, EvaluateCE
from tests.tasks.rerun.stages import BOTH, EVALUATE, MANIFEST, RGB, TEXT, TRAIN, evaluate, num_new_rows


def test_a_first_run_runs_everything_once_and_the_experts_together(finished):
    _, _, first = finished
    assert sorted(first) == sorted(MANIFEST + BOTH + TEXT + TRAIN + EVALUATE)
    assert first[0] == "BuildManifest"
    assert first[-2:] == ["TrainCE 0", "EvaluateCE test"]


def test_nothing_changed_runs_nothing(project):
    before = {path: path.stat().st_mtime_ns for path in project.data.rglob("*")}
    assert evaluate(project) == []
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
    assert evaluate(project) == []


def test_a_default_that_is_written_out_and_a_comment_run_nothing(project):
    path = project.configs / "experts" / "rgb_light.yaml"
    project.edit("experts", "rgb_light", params={"fps": 2, "short_px": 120})
    path.write_text("# a comment\n" + path.read_text())
    assert evaluate(project) == []


def test_params_of_an_expert_run_that_expert_on_all_videos(project):
    before = project.feature_parts("rgb_light")
    project.edit("experts", "rgb_light", params__fps=3.0)
    assert evaluate(project) == RGB + TRAIN + EVALUATE
    assert num_new_rows(project, "rgb_light", before) == 14
    assert set(before) < set(project.feature_parts("rgb_light")), "the old features are kept"


def test_another_precision_of_an_expert_runs_that_expert_and_fp32_said_aloud_runs_nothing(project):
    project.edit("experts", "rgb_light", precision="fp32")
    assert evaluate(project) == []
    project.edit("experts", "rgb_light", precision="bf16")
    assert evaluate(project) == RGB + TRAIN + EVALUATE


def test_a_new_version_of_an_extractor_runs_that_expert(project, monkeypatch):
    monkeypatch.setattr(colour_shape.Expert, "version", 99)
    assert evaluate(project) == RGB + TRAIN + EVALUATE


def test_other_weights_of_an_expert_run_that_expert(project, monkeypatch):
    monkeypatch.setattr(colour_shape.Expert, "weights", {"network": "0123456789abcdef"})
    assert evaluate(project) == RGB + TRAIN + EVALUATE


def test_a_new_way_of_decoding_runs_all_experts(project, monkeypatch):
    monkeypatch.setattr(registry, "DECODE_VERSION", 99)
    assert evaluate(project) == BOTH + TRAIN + EVALUATE


def test_a_new_expert_runs_only_itself(project):
    project.copy_config("experts", "scene_light")
    assert evaluate(project) == [], "no model asks for it"
    project.edit("models", "tiny", experts=["rgb_light", "speech_light", "scene_light"])
    assert evaluate(project) == ["ExtractExpert scene_light", *TRAIN, *EVALUATE]


def test_an_expert_less_runs_no_expert(project):
    project.edit("models", "tiny", experts=["rgb_light"])
    assert evaluate(project) == TRAIN + EVALUATE


@pytest.mark.parametrize(
    "change",
    [
        {"training__epochs": 3},
        {"training__precision": "bf16"},
        {"architecture__shared_dim": 16},
        {"text_pool__clusters": 3},
        {"training__learning_rate": 0.02},
    ],
)
def test_the_model_runs_training_and_evaluation(project, change):
    project.edit("models", "tiny", **change)
    assert evaluate(project) == TRAIN + EVALUATE


def test_the_order_of_experts_in_the_model_runs_nothing(project):
    project.edit("models", "tiny", experts=["speech_light", "rgb_light"])
    assert evaluate(project) == []


def test_how_an_expert_is_pooled_runs_training_and_no_expert(project):
    project.edit("experts", "speech_light", model__clusters=3)
    assert evaluate(project) == TRAIN + EVALUATE


def test_the_text_encoder_runs_the_text_and_training(project):
    project.edit("text", "words_hashed", params__longest=4)
    assert evaluate(project) == TEXT + TRAIN + EVALUATE


def test_another_seed_runs_only_itself(project):
    assert project.run(EvaluateCE, dataset="tiny", seeds="0,7") == ["TrainCE 7", *EVALUATE]
    assert project.run(EvaluateCE, dataset="tiny", seeds="7") == EVALUATE
    assert project.run(EvaluateCE, dataset="tiny", seeds="7,0") == [], "the order of seeds is no matter"
    assert evaluate(project) == []


def test_another_split_runs_only_the_evaluation(project):
    assert project.run(EvaluateCE, dataset="tiny", split="val") == ["EvaluateCE val"]
    assert evaluate(project) == []


def test_a_model_of_the_same_experts_shares_their_features(project):
    shutil.copy(project.configs / "models" / "tiny.yaml", project.configs / "models" / "other.yaml")
    project.edit("models", "other", training__epochs=1)
    assert project.run(EvaluateCE, dataset="tiny", model="other") == TRAIN + EVALUATE


def test_a_parameter_that_is_put_back_runs_nothing(project):
    before = (project.configs / "experts" / "rgb_light.yaml").read_text()
    project.edit("experts", "rgb_light", params__fps=3.0)
    assert evaluate(project) == RGB + TRAIN + EVALUATE
    (project.configs / "experts" / "rgb_light.yaml").write_text(before)
    assert evaluate(project) == []


def test_an_ablation_trains_without_each_expert_and_extracts_nothing(project):
    ran = project.run(AblateExperts, dataset="tiny")
    assert sorted(ran) == sorted([*TRAIN * 2, *EVALUATE * 2, "AblateExperts"])
    assert project.run(AblateExperts, dataset="tiny") == []
    assert evaluate(project) == []
