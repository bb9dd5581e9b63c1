import json
import shutil
from pathlib import Path

import pytest

from extractors import registry
from extractors.configs import ExpertConfig, TextConfig
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores.fingerprint import differences, fingerprint
from search import Collection
from search import config as search_config
from tasks import BuildIndex, TrainCE
from tasks.plan.index_plan import IndexPlan, _is_text_tower, text_towers
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths


@pytest.fixture
def tiny(project):
    with project.process():
        yield load_plan(Paths().layout, "tiny")


@pytest.fixture
def captionless(project):
    """A dataset of two of the videos, without captions."""
    folder = project.data / "raw" / "captionless"
    folder.mkdir()
    for name in ("v01.mp4", "v04.mp4"):
        shutil.copy(project.videos / name, folder)
    project.write_config("datasets", "captionless", {"videos": str(folder), "model": "tiny"})


def test_a_recipe_is_plain_and_holds_the_fingerprints_of_its_inputs(tiny):
    recipe = IndexPlan(tiny).recipe()
    assert json.loads(json.dumps(recipe)) == recipe
    assert recipe["manifest"] == tiny.inventory.manifest().fingerprint
    assert recipe["experts"] == {expert.name: fingerprint(expert.recipe) for expert in tiny.selection.experts}
    assert recipe["train"] == fingerprint(tiny.train_recipe(0))
    assert "trained_on" not in recipe


def test_an_index_lies_where_its_recipe_says(tiny, project):
    index = IndexPlan(tiny)
    assert index.parent == project.data / "store" / "index" / "tiny"
    assert index.folder == index.parent / fingerprint(index.recipe())
    assert index.settings == search_config.load(project.configs).index


def test_an_untrained_index_has_no_model(tiny):
    index = IndexPlan(tiny, untrained=True)
    assert index.seed is None
    assert index.recipe()["train"] is None
    ingredients = index.ingredients()
    assert (ingredients.model, ingredients.sources, ingredients.text_config) == (None, None, None)


def test_the_first_seed_of_the_model_is_searched_with(tiny, project):
    assert IndexPlan(tiny).seed == 0
    project.edit("models", "tiny", training__seeds=[5, 3])
    with project.process():
        assert IndexPlan(load_plan(Paths().layout, "tiny")).seed == 5


def test_before_the_manifest_is_built_no_recipe_is_known(project):
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        index = IndexPlan(load_plan(Paths().layout, "tiny"))
        assert index.recipe() is index.folder is None


def test_another_dataset_is_searched_with_the_model_of_the_trained_one(project, captionless, tiny):
    index = IndexPlan(tiny, searched="captionless")
    assert index.searched.selection.dataset == "captionless"
    assert index.searched.selection.expert_names == tiny.selection.expert_names
    index.searched.inventory.build_manifest(1, 60.0, lambda done, total: None)
    recipe = index.recipe()
    assert recipe["trained_on"] == "tiny"
    assert recipe["train"] == fingerprint(tiny.train_recipe(0))
    assert recipe["manifest"] == index.searched.inventory.manifest().fingerprint


def test_ingredients_name_the_store_of_each_expert_and_the_trained_model(tiny, project):
    ingredients = IndexPlan(tiny).ingredients()
    with project.process():
        assert ingredients.model == TrainCE(dataset="tiny", seed=0).output().require()
    assert ingredients.stores.keys() == ingredients.dims.keys() == {"rgb_light", "speech_light"}
    assert all(store.is_dir() for store in ingredients.stores.values())
    video = ingredients.manifest.videos[0]
    assert ingredients.key("rgb_light", video) == video.content
    assert ingredients.modalities == {"rgb_light": "rgb", "speech_light": "speech"}


def test_a_model_and_no_model_contradict_each_other(tiny):
    with pytest.raises(ConfigError, match="--untrained is without a model, and --trained-on asks for one"):
        IndexPlan(tiny, searched="other", untrained=True)


@pytest.mark.parametrize(
    ("encoder", "network", "expected"),
    [("image_text", "a", True), ("image_text", "b", False), ("words", "a", False)],
)
def test_a_text_tower_has_the_module_and_the_network_of_its_expert(encoder, network, expected):
    expert = ExpertConfig(extractor="image_text", modality="rgb", params={"network": "a"})
    assert _is_text_tower(TextConfig(encoder=encoder, params={"network": network}), expert) is expected


@pytest.mark.parametrize(("revision", "expected"), [("a" * 40, True), ("b" * 40, False)])
def test_a_text_tower_is_of_the_commit_of_its_expert(revision, expected):
    params = {"network": "a", "revision": "a" * 40}
    expert = ExpertConfig(extractor="audio_text", modality="audio", params=params)
    text = TextConfig(encoder="audio_text", params=params | {"revision": revision})
    assert _is_text_tower(text, expert) is expected


def test_each_shipped_expert_of_a_network_with_a_text_tower_has_one():
    folder = Path(__file__).parents[3] / "configs"
    experts = [registry.expert(name, folder / "experts") for name in config.names(folder / "experts")]
    aligned = {one.name for one in experts if one.config.extractor.endswith("_text")}
    towers = text_towers(experts, folder / "text")
    assert {name: path.stem for name, path in towers.items()} == {name: name for name in aligned}
    assert {"clip", "video_videoprism", "sound_clap", "audio_video_pe"} <= aligned
    dims = {one.name: one.extractor.dim for one in experts}
    assert all(registry.text(name, folder / "text").encoder.dim == dims[name] for name in towers)


def test_an_index_is_fresh_after_the_videos_were_moved_and_leads_to_them(project):
    project.run(BuildIndex, dataset="tiny", untrained=True)
    elsewhere = project.data / "raw" / "elsewhere"
    project.videos.rename(elsewhere)
    project.edit("datasets", "tiny", videos=str(elsewhere))
    assert "BuildIndex" not in project.run(BuildIndex, dataset="tiny", untrained=True)
    collection = Collection.open("tiny", project.data, project.configs)
    assert all(collection.path(entry).is_file() for entry in collection.videos)


def test_the_weights_folder_is_no_part_of_an_index_and_the_modality_is(project, tiny):
    before = IndexPlan(tiny).recipe()
    assert "weights" not in IndexPlan(tiny).recipe()
    project.edit("experts", "rgb_light", modality="colour")
    with project.process():
        after = IndexPlan(load_plan(Paths().layout, "tiny")).recipe()
    assert differences(before, after) == ["modalities.rgb_light: rgb -> colour"]


def test_a_text_tower_is_named_by_its_recipe(project, tiny, monkeypatch):
    monkeypatch.setattr("tasks.plan.index_plan._is_text_tower", lambda text, expert: expert.extractor == "colour_shape")
    before = IndexPlan(tiny)
    towers = before.recipe()["towers"]
    assert towers == {"rgb_light": fingerprint(tiny.selection.text.recipe)}
    assert before.ingredients().encoders == {"words_hashed": towers["rgb_light"]}
    (project.configs / "text" / "words_hashed.yaml").rename(project.configs / "text" / "renamed.yaml")
    with project.process():
        renamed = load_plan(Paths().layout, "tiny")
        renamed.selection.__dict__["text"] = tiny.selection.text
        assert IndexPlan(renamed).recipe()["towers"] == towers
