import re
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml

from extractors import registry
from extractors.base import Embedded, Extractor, FrameNeed, TextEncoder
from extractors.configs import ExpertConfig, TextConfig
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores.fingerprint import fingerprint

CONFIGS = Path(__file__).parents[2] / "configs"
LIGHT = {"extractor": "colour_shape", "modality": "rgb"}


@pytest.fixture
def write(tmp_path):
    """(name, what the YAML says) -> the folder that it lies in."""

    def run(name, **told):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
        return tmp_path

    return run


@dataclass(frozen=True)
class Params:
    __pydantic_config__ = config.STRICT
    sides: int = 4
    name: str = "mean"


class MeanColour(Extractor):
    version = 3

    @property
    def dim(self):
        return 3

    @property
    def need(self):
        return FrameNeed(1.0)

    def prepare(self, view):
        return view.frames[view.starts]

    def embed(self, items):
        return Embedded.one_per_item(items.mean(axis=(1, 2)))


@pytest.fixture
def new_module(monkeypatch):
    """extractors/smile.py, as if somebody had written it."""
    module = types.ModuleType("extractors.smile")
    module.Params, module.Expert = Params, MeanColour
    monkeypatch.setitem(sys.modules, "extractors.smile", module)
    return module


def test_a_parameter_that_came_later_is_in_a_recipe_only_where_it_is_set(write, new_module):
    @dataclass(frozen=True)
    class More(Params):
        pieces: int = field(default=0, metadata=config.LATER)

    def recipe_of(**params):
        folder = write("smile", extractor="smile", modality="rgb", params=params)
        return registry.expert("smile", folder).recipe

    before = recipe_of(sides=5)
    new_module.Params = More
    assert recipe_of(sides=5) == recipe_of(sides=5, pieces=0) == before
    assert recipe_of(sides=5, pieces=3)["params"] == before["params"] | {"pieces": 3}


def complaint(read, name, folder):
    with pytest.raises(ConfigError) as caught:
        read(name, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_new_module_and_a_yaml_are_an_expert(new_module, write):
    found = registry.expert("smile", write("smile", extractor="smile", modality="mood", params={"sides": 6}))
    assert (found.name, found.config.modality, found.extractor.dim) == ("smile", "mood", 3)
    assert found.extractor.params == Params(6, "mean")
    assert found.recipe["params"] == {"sides": 6, "name": "mean"}, "defaults are filled in"
    assert (found.recipe["extractor"], found.recipe["version"]) == ("smile", 3)
    assert registry.rebuild(found.id).params == found.extractor.params


def test_two_yamls_may_share_a_module(write):
    write("slow", **LIGHT, params={"fps": 1.0})
    folder = write("fast", **LIGHT, params={"fps": 4.0})
    slow, fast = registry.expert("slow", folder), registry.expert("fast", folder)
    assert slow.extractor.need != fast.extractor.need
    assert fingerprint(slow.recipe) != fingerprint(fast.recipe)


def test_the_name_of_an_expert_is_no_part_of_its_recipe(write):
    write("one", **LIGHT)
    folder = write("two", **LIGHT)
    assert registry.expert("one", folder).recipe == registry.expert("two", folder).recipe


@pytest.mark.parametrize(
    "change",
    [
        {"runtime": {"batch_size": 3}},
        {"model": {"pool": "vlad", "clusters": 4, "max_tokens": 9}},
        {"modality": "other"},
        {"precision": "fp32"},
        {"params": {}},
        {"params": {"fps": 2}},
    ],
)
def test_what_does_not_change_the_features_keeps_the_fingerprint(write, change):
    """Also a default that is written out, and a whole number for a decimal one."""
    folder = write("plain", **LIGHT)
    write("changed", **(LIGHT | change))
    assert registry.expert("changed", folder).recipe == registry.expert("plain", folder).recipe


def test_params_and_version_change_the_fingerprint(new_module, write):
    folder = write("smile", extractor="smile", modality="mood")
    names = {fingerprint(registry.expert("smile", folder).recipe)}
    write("smile", extractor="smile", modality="mood", params={"sides": 5})
    names.add(fingerprint(registry.expert("smile", folder).recipe))
    new_module.Expert = type("Expert", (MeanColour,), {"version": 4})
    names.add(fingerprint(registry.expert("smile", folder).recipe))
    assert len(names) == 3


MEANS_AREAS = {
    *("captions", "captions_server", "face", "face_light", "flow_light", "ocr", "ocr_light", "ocr_lines", "ocr_pp"),
    *("rgb_light", "scene_light", "shots", "shots_light"),
}


def test_how_frames_are_shrunk_is_in_the_recipe_of_those_who_see_means_of_areas_and_of_no_other(monkeypatch):
    names = [path.stem for path in sorted((CONFIGS / "experts").glob("*.yaml"))]
    before = {name: registry.expert(name, CONFIGS / "experts").recipe for name in names}
    monkeypatch.setattr(registry, "SHRINK_VERSION", 99)
    after = {name: registry.expert(name, CONFIGS / "experts").recipe for name in names}
    assert {name for name in names if after[name] != before[name]} == MEANS_AREAS
    assert {
        len(recipe["decode"]) for name, recipe in after.items() if name not in MEANS_AREAS and "decode" in recipe
    } == {2}
    assert all(recipe["decode"][2:] == [99] for name, recipe in after.items() if name in MEANS_AREAS)


@pytest.mark.parametrize("what", ["DECODE_VERSION", "PASS_VERSION"])
def test_how_videos_are_decoded_and_cut_changes_the_fingerprint(write, monkeypatch, what):
    folder = write("plain", **LIGHT)
    before = fingerprint(registry.expert("plain", folder).recipe)
    monkeypatch.setattr(registry, what, 99)
    assert fingerprint(registry.expert("plain", folder).recipe) != before


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (LIGHT | {"precision": "auto"}, "key 'precision': Input should be 'fp32', 'tf32', 'bf16' or 'fp16'"),
        (LIGHT | {"runtime": {"precision": "auto"}}, "at the top of an expert's YAML now, e.g. precision: bf16"),
        ({"modality": "rgb"}, "key 'extractor' is missing"),
        ({"extractor": "colour_shape"}, "key 'modality' is missing"),
        (LIGHT | {"parms": {}}, "unknown key 'parms' (did you mean 'params'?)"),
        (LIGHT | {"params": {"fsp": 1.0}}, "params: unknown key 'fsp' (did you mean 'fps'?)"),
        (LIGHT | {"params": {"fps": "fast"}}, "params: key 'fps'"),
        (LIGHT | {"params": {"fps": -1.0}}, "fps must be above 0"),
        (LIGHT | {"params": {"fps": float("nan")}}, "no plain number"),
        (LIGHT | {"params": [1]}, "key 'params'"),
        (LIGHT | {"runtime": {"batchsize": 3}}, "unknown key 'runtime.batchsize' (did you mean 'batch_size'?)"),
        (LIGHT | {"runtime": {"batch_size": 0}}, "batch_size must be at least 1"),
        (LIGHT | {"runtime": {"batch_size": 2.5}}, "batch_size"),
        (LIGHT | {"model": {"pool": "max"}}, "'mean' or 'vlad'"),
        (LIGHT | {"model": {"pool": "vlad"}}, "pool: vlad needs clusters and max_tokens of at least 1"),
        (LIGHT | {"extractor": "nobody"}, "key 'extractor': there is no extractors/nobody.py"),
        (LIGHT | {"extractor": "../evil"}, "'../evil' is not the name of a module in extractors/"),
        (LIGHT | {"extractor": "os.path"}, "'os.path' is not the name of a module in extractors/"),
        (LIGHT | {"extractor": ""}, "'' is not the name of a module in extractors/"),
        (LIGHT | {"extractor": "base"}, "extractors/base.py has no class Expert"),
        (LIGHT | {"extractor": "base"}, "extractors/base.py has no class Expert"),
    ],
)
def test_a_yaml_that_makes_no_sense_is_one_line_that_names_it(write, told, said):
    folder = write("mine", **told)
    message = complaint(registry.expert, "mine", folder)
    assert message.startswith(str(folder / "mine.yaml"))
    assert said in message


def test_a_name_that_nobody_has_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no rgb_ligt\.yaml in .*\(did you mean 'rgb_light'\?"):
        registry.expert("rgb_ligt", CONFIGS / "experts")
    with pytest.raises(ConfigError, match=r"did you mean 'words_hashed'"):
        registry.text("word_hashed", CONFIGS / "text")


def test_a_package_that_is_missing_is_told_with_what_to_install(tmp_path, write, monkeypatch):
    import extractors

    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "needy.py").write_text("import a_package_that_nobody_has\n")
    monkeypatch.setattr(extractors, "__path__", [*extractors.__path__, str(tmp_path / "modules")])
    message = complaint(registry.expert, "mine", write("mine", extractor="needy", modality="mood"))
    assert "extractors/needy.py needs the package 'a_package_that_nobody_has': pip install it" in message


def test_a_module_with_a_bug_shows_its_own_error(tmp_path, write, monkeypatch):
    import extractors

    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "buggy.py").write_text("1 / 0\n")
    monkeypatch.setattr(extractors, "__path__", [*extractors.__path__, str(tmp_path / "modules")])
    with pytest.raises(ZeroDivisionError):
        registry.expert("mine", write("mine", extractor="buggy", modality="mood"))


class CountingEncoder(TextEncoder):
    version = 2

    @property
    def dim(self):
        return 2

    def encode(self, texts):
        return [np.ones((max(1, len(text.split())), 2), np.float32) for text in texts]


def test_text_encoders_are_found_the_same_way(write, monkeypatch):
    module = types.ModuleType("extractors.counting")
    module.EncoderParams, module.Encoder = Params, CountingEncoder
    monkeypatch.setitem(sys.modules, "extractors.counting", module)
    folder = write("mine", encoder="counting", params={"name": "x"})
    found = registry.text("mine", folder)
    assert (found.name, found.encoder.dim, found.recipe["params"]) == ("mine", 2, {"sides": 4, "name": "x"})
    write("mine", encoder="counting", params={"nam": "x"})
    assert "unknown key 'nam' (did you mean 'name'?)" in complaint(registry.text, "mine", folder)
    write("mine", encoder="colour_shape")
    assert "has no class Encoder" in complaint(registry.text, "mine", folder)
    write("mine", extractor="counting")
    assert re.search(r"unknown key 'extractor'|key 'encoder' is missing", complaint(registry.text, "mine", folder))


def test_the_encoder_of_captions_and_the_words_that_experts_find_are_in_one_space():
    """A word on a sign matches the same word in a query only while these stay equal."""
    text = registry.text("words_hashed", CONFIGS / "text").encoder.params
    for name in ("speech_light", "ocr_light"):
        assert registry.expert(name, CONFIGS / "experts").extractor.params.words == text


RESNET = {
    "extractor": "image_classifier",
    "modality": "rgb",
    "params": {"network": "torchvision/resnet18.x", "dim": 512},
}


def test_labels_of_a_classifier_are_in_its_recipe_where_they_are_on_and_nowhere_else(write):
    plain = registry.expert("plain", write("plain", **RESNET))
    kept = registry.expert("kept", write("kept", **RESNET, labels={"names": "imagenet1k", "keep": 5}))
    assert "labels" not in plain.recipe
    assert kept.recipe == plain.recipe | {"labels": kept.recipe["labels"]}
    assert kept.recipe["labels"]["keep"] == 5
    assert (plain.extractor.labels, plain.extractor.label_descriptions) == ((), ())
    assert (kept.extractor.labels[340], len(kept.extractor.labels)) == ("zebra", 1000)
    assert kept.extractor.label_descriptions[340].startswith("zebra: any of several")


def test_labels_that_do_not_fit_the_extractor_are_one_clear_line(write):
    folder = write("none", **LIGHT, labels={"names": "imagenet1k"})
    assert complaint(registry.expert, "none", folder) == (
        f"{folder / 'none.yaml'}: labels: its extractor is no classifier that keeps labels"
    )
    folder = write("other", **RESNET, labels={"names": "places365"})
    assert complaint(registry.expert, "other", folder) == (
        f"{folder / 'other.yaml'}: labels: 365 names for a network with 1000 classes"
    )


@pytest.mark.parametrize(
    ("encoder", "network", "expected"),
    [("image_text", "a", True), ("image_text", "b", False), ("words", "a", False)],
)
def test_a_text_tower_has_the_module_and_the_network_of_its_expert(encoder, network, expected):
    expert = ExpertConfig(extractor="image_text", modality="rgb", params={"network": "a"})
    assert registry._is_text_tower(TextConfig(encoder=encoder, params={"network": network}), expert) is expected


def test_what_was_imported_is_aligned_with_nothing():
    expert = ExpertConfig(extractor="imported", modality="rgb", params={"dim": 4, "files": []})
    text = TextConfig(encoder="imported", params={"dim": 4, "files": []})
    assert not registry._is_text_tower(text, expert)


def test_each_shipped_expert_of_a_network_with_a_text_tower_has_one():
    folder = Path(__file__).parents[2] / "configs"
    experts = [registry.expert(name, folder / "experts") for name in config.names(folder / "experts")]
    aligned = {one.name for one in experts if one.config.extractor.endswith("_text")}
    towers = registry.text_towers(experts, folder / "text")
    assert {name: path.stem for name, path in towers.items()} == {name: name for name in aligned}
    assert {"clip", "video_videoprism", "sound_clap", "audio_video_pe"} <= aligned
    dims = {one.name: one.extractor.dim for one in experts}
    assert all(registry.text(name, folder / "text").encoder.dim == dims[name] for name in towers)


def test_the_tokens_of_a_text_tower_have_a_recipe_of_their_own_and_no_yaml():
    tower, tokens = (registry.text(f"clip{more}", CONFIGS / "text") for more in ("", registry.TOKENS))
    assert tokens.name == "clip.tokens"
    assert tokens.recipe == tower.recipe | {"tokens": tower.encoder.token_version}
    assert tokens.encoder.weight_files() == tower.encoder.weight_files()
    assert registry.tower_of(tokens.name) == registry.tower_of(tower.name) == "clip"
    with pytest.raises(ConfigError, match="did you mean 'clip'"):
        registry.text("clipp.tokens", CONFIGS / "text")
