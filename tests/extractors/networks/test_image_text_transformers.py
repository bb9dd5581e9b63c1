import json

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from extractors import image_text
from extractors.extraction.resize import Resize, resize_frame
from extractors.image_text import Encoder, EncoderParams, Expert, Params
from extractors.networks import image_text_transformers
from pipeline.errors import WeightsError
from pipeline.weights.files import SEEDED as STAND_INS
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.private_api import assert_there

NAME = "transformers/me/tiny"
TEXTS = ["A red star turns", "the blue star", "star " * 12]
WORDS = ["<pad>", "?", "a", "red", "star", "turns", "the", "blue", "<eos>"]
SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
LENGTH = 8
SIZE_PX = 32
HOW = {
    "clip": {"squash": False, "resize": "bicubic", "mean": (0.48145466, 0.4578275, 0.40821073)}
    | {"std": (0.26862954, 0.26130258, 0.27577711)},
    "siglip": {"squash": True, "resize": "bicubic"},
}
"""How the processors of transformers show a picture, by their own defaults."""
FRAME = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)


@pytest.fixture(params=["clip", "siglip"])
def kind(request):
    return request.param


@pytest.fixture
def released(kind, tmp_path):
    """A model and its files as the hub has them, in the cache that the source knows."""
    folder = tmp_path / "me" / "tiny"
    end = len(WORDS) - 1
    text = SIZES | {"vocab_size": len(WORDS), "max_position_embeddings": LENGTH}
    text |= {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": end}
    vision = SIZES | {"image_size": SIZE_PX, "patch_size": 8}
    projected = {"projection_dim": 12} if kind == "clip" else {}
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, text_config=text, vision_config=vision, **projected)
    model = AutoModel.from_config(config).eval()
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="?"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("$A <eos>", special_tokens=[("<eos>", end)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="?")
    fast.save_pretrained(folder)
    return model, folder, WeightSource(WeightOptions(tmp_path))


def dim_of(kind):
    return 12 if kind == "clip" else 16


def expert_of(kind, source, **changed):
    settings = {"network": NAME, "dim": dim_of(kind), "size_px": SIZE_PX} | HOW[kind] | changed
    expert = Expert(Params(**settings), source)
    expert.load("cpu")
    return expert


def encoder_of(kind, source):
    encoder = Encoder(EncoderParams(NAME, dim_of(kind)), source)
    encoder.load("cpu")
    return encoder


def unit_length(features):
    values = features if isinstance(features, torch.Tensor) else features.pooler_output
    return torch.nn.functional.normalize(values.detach(), dim=1).numpy()


def test_a_frame_is_what_transformers_own_processor_and_image_tower_make_of_it(kind, released):
    model, _, source = released
    expert = expert_of(kind, source)
    shown = resize_frame(FRAME, Resize.of(expert.need))
    size = {"height": SIZE_PX, "width": SIZE_PX}
    theirs = {
        "clip": lambda: transformers.CLIPImageProcessorPil(size={"shortest_edge": SIZE_PX}, crop_size=size),
        "siglip": lambda: transformers.SiglipImageProcessorPil(size=size),
    }[kind]()
    pixels = theirs(images=[FRAME], return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        expected = unit_length(model.get_image_features(pixel_values=pixels))
    found = expert.embed(np.stack([shown])).values
    assert found.shape == (1, dim_of(kind))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_caption_is_what_transformers_own_tokenizer_and_text_tower_make_of_it(kind, released):
    model, folder, source = released
    theirs = AutoTokenizer.from_pretrained(folder)
    ids = theirs(TEXTS, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = unit_length(model.get_text_features(input_ids=ids))
    encoder = encoder_of(kind, source)
    np.testing.assert_array_equal(encoder._tokenize(TEXTS).ids, ids)
    np.testing.assert_allclose(np.concatenate(encoder.encode(TEXTS)), expected, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(TEXTS[1:2])[0][0], expected[1], atol=1e-6)


def test_each_token_of_a_caption_is_what_transformers_makes_of_it(kind, released):
    """Its last hidden state by the head that transformers puts on the one that it takes for the text."""
    model, folder, source = released
    theirs = AutoTokenizer.from_pretrained(folder)
    told = theirs(
        TEXTS, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt",
        return_special_tokens_mask=True,
    )  # fmt: skip
    with torch.inference_mode():
        states = model.text_model(input_ids=told["input_ids"]).last_hidden_state
        values = model.text_projection(states) if kind == "clip" else model.text_model.head(states)
    found = encoder_of(kind, source).encode_tokens([*TEXTS, ""])
    assert [len(one) for one in found] == [4, 3, LENGTH - 1, 1]
    for vectors, expected, special in zip(found, values, told["special_tokens_mask"], strict=False):
        np.testing.assert_allclose(vectors, unit_length(expected[special == 0]), atol=1e-6)
    np.testing.assert_allclose(found[-1], encoder_of(kind, source).encode([""])[0], atol=1e-6)


def test_the_towers_of_transformers_have_the_attributes_by_which_they_are_taken(kind, released):
    model, *_ = released
    projections = ("visual_projection", "text_projection") if kind == "clip" else ()
    for name in ("vision_model", "text_model", *projections):
        assert_there(model, name, "extractors/networks/image_text_transformers.py separates the towers by it")


def test_capitals_count_as_small_letters_where_the_tokenizer_keeps_them(kind, released):
    _, folder, source = released
    told = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(told | {"normalizer": None}))
    encoder = encoder_of(kind, source)
    np.testing.assert_array_equal(encoder.encode(["The BLUE star"])[0], encoder.encode(["the blue star"])[0])


def test_files_that_a_later_library_does_not_know_the_names_of_fit_all_the_same(kind, released):
    """The published CLIP still holds the numbers of its places, which today's network makes itself."""
    from safetensors.torch import load_file, save_file

    _, folder, source = released
    expected = expert_of(kind, source).embed(FRAME[None, :SIZE_PX, :SIZE_PX]).values
    extra = {"vision_model.embeddings.position_ids": torch.arange(17)[None]}
    save_file(load_file(folder / "model.safetensors") | extra, folder / "model.safetensors")
    np.testing.assert_array_equal(expert_of(kind, source).embed(FRAME[None, :SIZE_PX, :SIZE_PX]).values, expected)


@pytest.mark.parametrize("change", ["missing", "unused"])
def test_a_tensor_that_is_missing_or_one_too_many_is_refused_by_name(kind, released, change):
    from safetensors.torch import load_file, save_file

    _, folder, source = released
    tensors = load_file(folder / "model.safetensors")
    name = "vision_model.post_layernorm.weight"
    if change == "missing":
        del tensors[name]
    else:
        name = "vision_model.extra.weight"
        tensors[name] = torch.zeros(3)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(WeightsError, match=f"not the weights of this network: (.|\n)*{name}"):
        expert_of(kind, source)


def test_all_files_are_named_with_their_place(tmp_path):
    source = WeightSource(WeightOptions(tmp_path))
    expert, encoder = Expert(Params(NAME, 16, 32), source), Encoder(EncoderParams(NAME, 16), source)
    files = encoder.weight_files()
    assert expert.weight_files().items() <= files.items()
    assert {file.cached_as for file in files.values()} == {
        f"me/tiny/{name}" for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")
    }
    assert files["network"].url == "https://huggingface.co/me/tiny/resolve/main/model.safetensors"
    assert expert.weights == {"network": NAME, "config": NAME}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"model_type": "bert"}', "a bert model; image_text reads clip, siglip and any other"),
        (
            '{"model_type": "siglip2"}',
            "a siglip2 model; image_text reads clip, siglip and any other with towers for pictures",
        ),
        ('{"model_type": "nothing"}', "no config.json of a model that transformers knows"),
        ("{}", "no config.json of a model"),
        ("not json", "no config.json of a model"),
    ],
)
def test_a_config_of_another_model_is_refused(tmp_path, text, told):
    folder = tmp_path / "me" / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(text)
    with pytest.raises(WeightsError, match=told):
        Expert(Params(NAME, 16, 32), WeightSource(WeightOptions(tmp_path))).load("cpu")


@pytest.mark.parametrize("name", ["transformers/tiny", "transformers/a/b/c", "transformers//b"])
def test_a_name_that_the_hub_cannot_have_is_refused(name):
    with pytest.raises(ValueError, match="must be transformers/<owner>/<name>"):
        Params(name, 16, 32)


def test_its_tokenizer_is_its_own():
    with pytest.raises(ValueError, match="leave out tokenizer"):
        EncoderParams(NAME, 16, tokenizer="me/other")


def test_stand_ins_need_no_file(monkeypatch):
    text, vision = (SIZES | {"vocab_size": 50}), (SIZES | {"image_size": SIZE_PX, "patch_size": 8})
    sizes = {"me/tiny": ("siglip", {"text_config": text, "vision_config": vision})}
    monkeypatch.setattr(image_text_transformers, "_STAND_IN_CONFIGS", sizes)
    source = WeightSource(always_seeded=True)
    expert, encoder = expert_of("siglip", source), encoder_of("siglip", source)
    assert set(encoder.weights.values()) == {STAND_INS}
    assert expert.embed(FRAME[None, :SIZE_PX, :SIZE_PX]).values.shape == (1, 16)
    one, other = encoder.encode(["a cat", "two dogs"])
    np.testing.assert_allclose(encoder.encode(["two dogs"])[0], other, atol=1e-6)
    assert np.abs(one - other).max() > 1e-3


def test_stand_ins_of_any_other_repository_are_a_small_network_with_its_numbers():
    source = WeightSource(always_seeded=True)
    expert, encoder = Expert(Params(NAME, 24, 64), source), Encoder(EncoderParams(NAME, 24), source)
    expert.load("cpu")
    encoder.load("cpu")
    assert expert.embed(np.zeros((2, 64, 64, 3), np.uint8)).values.shape == (2, 24)
    assert encoder.encode(["a cat"])[0].shape == (1, 24)


def test_the_name_says_the_library():
    assert isinstance(image_text.network_of(NAME), image_text_transformers.TransformersNetwork)
    assert image_text.network_of("ViT-B-32.openai").image_parts == {"network": "open_clip ViT-B-32.openai"}
