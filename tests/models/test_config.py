import dataclasses
import json
import subprocess
import sys

import pytest

from models import config as model_config
from models.architecture import Architecture
from models.config import ModelConfig, Runtime, Training
from models.network_inputs import TextInput
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores.fingerprint import fingerprint

CONFIGS = model_config.MODELS


def test_every_config_can_be_loaded():
    names = config.names(CONFIGS)
    assert "ce_light" in names
    for name in names:
        settings = model_config.load(name)
        assert fingerprint(model_config.recipe(settings))


def test_an_unknown_model_gives_the_nearest_name():
    with pytest.raises(ConfigError, match="did you mean 'ce_light'"):
        model_config.load("ce_ligth")


def test_reading_a_config_does_not_import_torch():
    code = "import sys; from models.config import load; load('ce_light'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_speed_and_seeds_are_not_part_of_the_recipe_and_all_else_is():
    settings = model_config.load("ce_light")
    before = model_config.recipe(settings)
    faster = dataclasses.replace(settings, runtime=Runtime("cuda", threads=2, checkpoint_s=5.0))
    assert model_config.recipe(faster) == before
    assert model_config.recipe(dataclasses.replace(settings, selector=True)) == before, "the evaluation fits it"
    assert model_config.recipe(dataclasses.replace(settings, late_interaction=True)) == before, "rows of a report"
    other_seeds = dataclasses.replace(settings, training=dataclasses.replace(settings.training, seeds=(7,)))
    assert model_config.recipe(other_seeds) == before
    for change in ({"epochs": 51}, {"precision": "bf16"}, {"precision": "fp16"}):
        other = dataclasses.replace(settings, training=dataclasses.replace(settings.training, **change))
        assert model_config.recipe(other) != before
    parts = {"experts", "text", "text_pool", "architecture", "training"}
    assert (
        before.keys()
        == parts
        == {field.name for field in dataclasses.fields(ModelConfig)}
        - {"runtime", "pools", "selector", "late_interaction"}
    )


def test_the_order_in_which_experts_are_listed_is_not_part_of_the_recipe():
    settings = model_config.load("ce_light")
    turned = dataclasses.replace(settings, experts=settings.experts[::-1])
    assert fingerprint(model_config.recipe(turned)) == fingerprint(model_config.recipe(settings))


@pytest.mark.parametrize(("gating", "fewest"), [("sequential", 2), ("triplet", 3), ("star", 1), ("moee", 1)])
def test_a_relation_without_itself_needs_enough_experts(gating, fewest):
    names = ["rgb_light", "scene_light", "flow_light"]
    plain = _plain()
    plain["architecture"] |= {"gating": gating, "include_self": False}
    for count in range(1, 4):
        plain["experts"] = names[:count]
        if count >= fewest:
            assert config.parse(ModelConfig, plain, "x.yaml")
        else:
            with pytest.raises(ConfigError, match=f"gating: {gating} needs {fewest} experts or more"):
                config.parse(ModelConfig, plain, "x.yaml")


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("training", {"loss": "margin", "temperature": None}, "training.margin must be above 0 with loss: margin"),
        ("training", {"teachers": ("a", "b", "a")}, "training.teachers names a model twice"),
        ("training", {"worst_rank": 5}, "training.worst_rank must be at least 1 and needs teachers"),
        ("training", {"margin": 0.2}, "training.margin belongs to loss: margin; remove it"),
        ("training", {"temperature": None}, "training.temperature must be above 0 with loss: infonce"),
        ("training", {"schedule": "step"}, "training.gamma must be above 0 with schedule: step"),
        ("training", {"gamma": 0.9}, "training.gamma belongs to schedule: step"),
        ("training", {"batch_size": 1}, "batch_size >= 2"),
        ("training", {"ema": 1.0}, "training.ema must be between 0 and 1"),
        ("training", {"seeds": ()}, "training.seeds must name at least one"),
        ("training", {"seeds": (1, 1)}, "none twice"),
        ("architecture", {"gating": "moee", "num_h_layers": 1}, "num_h_layers needs gating"),
        ("architecture", {"mask_padding": False}, "standardise needs mask_padding: true"),
        ("architecture", {"num_g_layers": 0}, "num_g_layers must be at least 1"),
        ("architecture", {"shared_dim": 0}, "shared_dim must be at least 1"),
        ("runtime", {"device": "gpu"}, "runtime.device must be auto, cpu"),
        ("runtime", {"precision": "auto"}, "under training: now, e.g. training: {precision: bf16}"),
        ("training", {"precision": "auto"}, "training.precision.*'fp32', 'tf32', 'bf16' or 'fp16'"),
        ("text_pool", {"clusters": -1}, "clusters and ghost_clusters of at least 0"),
        ("text_pool", {"clusters": 0}, r"clusters: 0 takes one vector as it is; set max_tokens: 1"),
        ("pools", {"smell": {"clusters": 4, "max_tokens": 9}}, "pools: smell is none of the experts"),
        ("pools", {"ocr_light": {"clusters": 0, "max_tokens": 9}}, "clusters and max_tokens must be at least 1"),
    ],
)
def test_contradictions_name_the_key_to_change(part, change, message):
    plain = _plain()
    plain[part] |= change
    with pytest.raises(ConfigError, match=message):
        config.parse(ModelConfig, plain, "x.yaml")


def test_experts_are_at_least_one_and_none_twice():
    for experts in ([], ["rgb_light", "rgb_light"]):
        with pytest.raises(ConfigError, match="none twice"):
            config.parse(ModelConfig, _plain() | {"experts": experts}, "x.yaml")


def test_a_typo_gives_the_nearest_key():
    plain = _plain()
    plain["training"]["epoch"] = 3
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        config.parse(ModelConfig, plain, "x.yaml")


def test_the_text_input_has_the_dimension_of_the_encoder():
    assert model_config.load("ce_light").text_input(300) == TextInput(300, 4, 1, 32)


def test_the_released_settings_can_be_said():
    architecture = Architecture(768, "sequential", "mish", batch_norm=True, mask_padding=False)
    assert (architecture.num_g_layers, architecture.num_h_layers, architecture.include_self) == (3, 0, True)
    Training(64, 100, 0.1, 1e-3, "ranger", "step", "margin", gamma=0.95, margin=0.0938)


def _plain():
    return dataclasses.asdict(model_config.load("ce_light"))


def test_a_head_as_all_had_it_before_is_no_part_of_the_recipe_and_another_one_is():
    settings = model_config.load("ce_light")
    assert "head" not in model_config.recipe(settings)["architecture"]
    other = dataclasses.replace(settings, architecture=dataclasses.replace(settings.architecture, head="residual"))
    assert model_config.recipe(other)["architecture"]["head"] == "residual"


def test_a_name_stands_for_an_architecture_and_a_model_without_training_needs_nothing_else(tmp_path):
    short = {"experts": ["clip"], "text": "clip", "architecture": "zero_shot"}
    (tmp_path / "short.yaml").write_text(json.dumps(short), encoding="utf-8")
    settings = model_config.load("short", tmp_path)
    assert (settings.architecture.head, settings.training.epochs, settings.training.seeds) == ("zero_shot", 0, (0,))
    whole = _plain() | {"architecture": "residual"}
    (tmp_path / "whole.yaml").write_text(json.dumps(whole), encoding="utf-8")
    assert model_config.load("whole", tmp_path).architecture.head == "residual"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"architecture": {"head": "zero_shot"}},
            "a model with architecture: zero_shot is not trained; remove training:",
        ),
        ({"training": {"epochs": 0}}, "only a model with architecture: zero_shot needs none"),
        ({"architecture": {"head": "residual", "gating": "concat"}}, "residual cannot be with gating: concat"),
        ({"architecture": {"haed": "residual"}}, "did you mean 'head'"),
    ],
)
def test_a_head_that_does_not_fit_the_rest_is_told(changes, told):
    plain = _plain()
    for block, values in changes.items():
        plain[block] |= values
    with pytest.raises(ConfigError, match=told):
        config.parse(ModelConfig, plain, "model")


def test_a_selector_needs_a_validation_split_and_a_vector_for_each_expert():
    settings = model_config.load("ce_light")
    last = dataclasses.replace(settings.training, selection="last")
    with pytest.raises(ValueError, match="needs selection: validation"):
        dataclasses.replace(settings, selector=True, training=last)
    concat = dataclasses.replace(settings.architecture, gating="concat")
    with pytest.raises(ValueError, match="gating: concat makes one of all"):
        dataclasses.replace(settings, selector=True, architecture=concat)
