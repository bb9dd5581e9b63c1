"""Image-text networks that are not among the shipped ones, each on a tiny configuration in the form of the hub."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from extractors.image_text import Encoder, EncoderParams, Expert, Params
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.hub_folder import REVISION, TEXTS, unit_length
from tests.extractors.next_network import DIM, KINDS, NAME, SIZE_PX, release


@pytest.fixture(scope="module", params=KINDS)
def released(request, tmp_path_factory):
    cache = tmp_path_factory.mktemp(request.param)
    return *release(cache, request.param), WeightSource(WeightOptions(cache, offline=True))


def made(source):
    expert, encoder = Expert(Params(NAME, DIM, SIZE_PX), source), Encoder(EncoderParams(NAME, DIM), source)
    for one in (expert, encoder):
        one.load("cpu")
    return expert, encoder


def test_frames_and_texts_are_what_the_librarys_own_functions_make_of_them(released):
    model, folder, source = released
    expert, encoder = made(source)
    frames = np.random.default_rng(0).integers(0, 256, (3, SIZE_PX, SIZE_PX, 3)).astype(np.uint8)
    pixels = torch.tensor((frames / 255 - 0.5) / 0.5).float().permute(0, 3, 1, 2)
    with torch.inference_mode():
        seen = model.get_image_features(pixel_values=pixels).pooler_output
        told = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, truncation=True, return_tensors="pt")
        said = model.get_text_features(told["input_ids"], attention_mask=told["attention_mask"]).pooler_output
    found = expert.embed(frames).values
    assert found.shape == (3, DIM)
    np.testing.assert_allclose(found, unit_length(seen), atol=1e-5)
    np.testing.assert_allclose(np.concatenate(encoder.encode(TEXTS)), unit_length(said), atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS[1:2])[0][0], unit_length(said)[1], atol=1e-5)


def test_each_expert_holds_its_own_tower_alone(released):
    expert, encoder = made(released[2])
    assert expert.network.model.text_model is None
    assert encoder._tower.model.vision_model is None


@pytest.mark.parametrize(("change", "says"), [("missing", "no file holds"), ("unused", "does not have")])
def test_a_tensor_that_is_missing_or_one_too_many_is_refused_by_name(tmp_path, change, says):
    _, folder = release(tmp_path, "blip")
    tensors = load_file(folder / "model.safetensors")
    name = "visual_projection.weight" if change == "missing" else "vision_model.extra.weight"
    if change == "missing":
        del tensors[name]
    else:
        tensors[name] = torch.zeros(3)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=f"{NAME}: tensors .*{says}: {name}"):
        made(WeightSource(WeightOptions(tmp_path, offline=True)))


def test_the_commit_is_part_of_the_recipe_and_of_the_address(released):
    expert, _ = made(released[2])
    assert all(name.endswith(f"@{REVISION}") for name in expert.weights.values())
    assert (
        expert.weight_files()["network"].address
        == f"https://huggingface.co/me/next/resolve/{REVISION}/model.safetensors"
    )
    with pytest.raises(ValueError, match="behind the @ must be a commit"):
        Params("transformers/me/next@main", DIM, SIZE_PX)
