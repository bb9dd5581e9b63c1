import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from extractors import captions
from extractors.captioning import vision_language
from extractors.captioning.plain import plain
from extractors.captioning.vision_language import FILES, VisionLanguage
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.captioning import tiny_vision_language

NAME = "transformers/me/tiny"
PROMPT = "What is it?"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The library's own network and processor, and the cache in which their files lie as those of me/tiny."""
    cache = tmp_path_factory.mktemp("cache")
    folder = cache / "me" / "tiny"
    folder.mkdir(parents=True)
    network, processor = tiny_vision_language.write(folder)
    return network, processor, cache


def plugin_of(cache):
    return captions.Expert(captions.Params(NAME, prompt=PROMPT), WeightSource(WeightOptions(cache, offline=True)))


def clips():
    levels = np.linspace(0, 255, 2 * 2 * 64 * 64 * 3).reshape(2, 2, 64, 64, 3)
    return levels.astype(np.uint8)


def test_what_it_says_is_what_the_library_says(released):
    network, processor, cache = released
    told = VisionLanguage(plugin_of(cache), "cpu", PROMPT, 12).describe(clips())
    for clip, description in zip(clips(), told, strict=True):
        text = "<|im_start|>user\n" + "<|vision_start|><|image_pad|><|vision_end|>" * 2 + PROMPT
        text += "<|im_end|>\n<|im_start|>assistant\n"
        inputs = processor(text=[text], images=[[Image.fromarray(frame) for frame in clip]], return_tensors="pt")
        tokens = inputs["input_ids"]
        with torch.inference_mode():
            for _ in range(12):
                kinds = torch.where(tokens == network.config.image_token_id, 1, 0)
                shown = {name: inputs[name] for name in ("pixel_values", "image_grid_thw")}
                logits = network(input_ids=tokens, mm_token_type_ids=kinds, **shown).logits
                tokens = torch.cat([tokens, logits[:, -1:].argmax(-1)], dim=1)
        new = tokens[0, inputs["input_ids"].shape[1] :]
        assert description.text == plain(processor.tokenizer.decode(new, skip_special_tokens=True))
        assert len(description.text) > 2


def test_a_network_in_several_files_says_the_same(released, tmp_path):
    network, _, cache = released
    shutil.copytree(cache, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "me" / "tiny"
    (folder / "model.safetensors").unlink()
    network.save_pretrained(folder, max_shard_size="100kB")
    shards = len(list(folder.glob("model-*.safetensors")))
    assert shards > 1
    settings = captions.Params(NAME, prompt=PROMPT, shards=shards)
    plugin = captions.Expert(settings, WeightSource(WeightOptions(tmp_path, offline=True)))
    assert len(plugin.published_names) == len(FILES) + shards
    one, several = VisionLanguage(plugin_of(cache), "cpu", PROMPT, 6), VisionLanguage(plugin, "cpu", PROMPT, 6, shards)
    assert several.describe(clips()) == one.describe(clips())


def test_equal_clips_get_equal_texts_and_nothing_said_is_a_fault(released, monkeypatch):
    describer = VisionLanguage(plugin_of(released[2]), "cpu", PROMPT, 4)
    asked = []
    monkeypatch.setattr(describer, "_text", lambda clip: asked.append(clip) or ("" if clip.max() == 0 else "light"))
    dark, light = np.zeros((2, 8, 8, 3), np.uint8), np.ones((2, 8, 8, 3), np.uint8)
    told = describer.describe(np.stack([light, dark, light]))
    assert [one.text for one in told] == ["light", "", "light"]
    assert [one.fault for one in told] == ["", "nothing was said of a clip", ""]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("drop", "that no file holds: model.language_model.layers.1.mlp.up_proj"),
        ("add", "that the network does not have: model.language_model.layers.1.mlp.another"),
    ],
)
def test_a_file_with_other_tensors_than_the_network_is_refused_by_name(released, tmp_path, change, why):
    shutil.copytree(released[2], tmp_path, dirs_exist_ok=True)
    path = tmp_path / "me" / "tiny" / FILES["network"]
    tensors = load_file(path)
    if change == "drop":
        del tensors["model.language_model.layers.1.mlp.up_proj.weight"]
    else:
        tensors["model.language_model.layers.1.mlp.another.weight"] = torch.zeros(2)
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(WeightsError, match=why):
        VisionLanguage(plugin_of(tmp_path), "cpu", PROMPT, 4)


@pytest.mark.parametrize(
    ("part", "text", "why"),
    [
        ("config", json.dumps({"model_type": "bert"}), "no network of this kind"),
        ("config", json.dumps({"auto_map": {"AutoConfig": "evil.Evil"}}), "no network of this kind"),
        ("preprocessor", "{", "no processor of this kind"),
    ],
)
def test_files_of_another_kind_are_one_line(released, tmp_path, part, text, why):
    shutil.copytree(released[2], tmp_path, dirs_exist_ok=True)
    (tmp_path / "me" / "tiny" / FILES[part]).write_text(text)
    with pytest.raises(WeightsError, match=why):
        VisionLanguage(plugin_of(tmp_path), "cpu", PROMPT, 4)


def test_each_file_of_a_repository_is_a_part_of_the_weights():
    file = vision_language.weight_file("transformers/Qwen/Qwen3-VL-2B-Instruct", "network")
    assert file.url == "https://huggingface.co/Qwen/Qwen3-VL-2B-Instruct/resolve/main/model.safetensors"
    with pytest.raises(ValueError, match="must be transformers/<owner>/<name>"):
        vision_language.check_name("Qwen3-VL")
