import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from extractors.image_text import Encoder, EncoderParams, Expert, Params
from extractors.networks import image_text_open_clip
from extractors.networks.image_text_open_clip import OpenClipNetwork
from pipeline.errors import ConfigError, WeightsError
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.private_api import assert_there

NAME = "ViT-B-16-SigLIP2.webli"
WORDS = ["?", "<pad>", "a", "red", "star", "</s>"]
TEXTS = ["A red, RED star!", "star " * 70, ""]


@pytest.fixture
def released(tmp_path):
    """A tokenizer's files as the hub has them, in the cache that the source knows."""
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 5)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="?")
    fast.save_pretrained(tmp_path / "me" / "words")
    return tmp_path / "me" / "words", WeightSource(WeightOptions(tmp_path))


def test_the_tokens_are_those_of_open_clip(released):
    folder, source = released
    network = OpenClipNetwork(NAME, "me/words")
    tokenise = network._tokenize(Encoder(EncoderParams(NAME, 768, "me/words"), source), 64, len(WORDS))
    theirs = open_clip.tokenizer.HFTokenizer(str(folder), context_length=64, clean="canonicalize")
    np.testing.assert_array_equal(tokenise(TEXTS).ids, theirs(TEXTS))
    assert tokenise(TEXTS).is_word.sum(1).tolist() == [4, 63, 0], "words, without their end and padding"


def test_a_tokenizer_outside_of_open_clip_is_two_more_files():
    network = OpenClipNetwork(NAME, "me/words")
    assert network.text_parts == network.image_parts | {"tokenizer": "me/words", "tokenizer_config": "me/words"}
    assert network.published_file("tokenizer").cached_as == "me/words/tokenizer.json"
    assert network.published_file("tokenizer_config").cached_as == "me/words/tokenizer_config.json"
    assert network.published_file("network").cached_as == "timm/ViT-B-16-SigLIP2/open_clip_model.safetensors"


@pytest.fixture(params=[open_clip.CLIP, open_clip.CustomTextCLIP])
def tiny(request):
    """A small network of each of the two classes that open_clip has."""
    vision = {"layers": 1, "width": 16, "head_width": 8, "patch_size": 16, "image_size": 32}
    text = {"layers": 1, "width": 16, "heads": 2, "vocab_size": 50, "context_length": 8}
    return request.param(embed_dim=4, vision_cfg=vision, text_cfg=text).eval()


def test_what_is_used_of_open_clip_beyond_its_exports_is_there(tiny):
    used = "extractors/networks/image_text_open_clip.py separates the towers and cleans texts by it"
    assert_there("open_clip.tokenizer", "get_clean_fn", used)
    text = tiny if isinstance(tiny, open_clip.CLIP) else tiny.text
    assert_there(text, "text_pool_type" if text is tiny else "pool_type", used)
    for attribute in ("visual", "encode_text", "context_length", "vocab_size"):
        assert_there(tiny, attribute, used)


def test_each_tower_computes_what_the_whole_network_does(tiny):
    pixels, ids = torch.randn(2, 3, 32, 32), torch.randint(0, 50, (2, 8))
    with torch.inference_mode():
        image, text = tiny.encode_image(pixels), tiny.encode_text(ids)
        torch.testing.assert_close(image_text_open_clip.image_tower_of(tiny)(pixels), image)
        tower = image_text_open_clip.text_tower_of(tiny)
        torch.testing.assert_close(tower(ids), text)
    assert not list(tower.visual.parameters()), "the other tower takes no memory"


def test_each_token_is_projected_as_the_one_that_is_taken_for_the_text(tiny):
    """By a hook: the states behind the last normalisation, times the projection, written out."""
    ids, states = torch.randint(0, 40, (3, 8)), []
    ids[torch.arange(3), torch.tensor([2, 5, 7])] = 49  # the end, which has the highest number
    text = tiny if isinstance(tiny, open_clip.CLIP) else tiny.text
    tower = image_text_open_clip.text_tower_of(tiny)
    text.ln_final.register_forward_hook(lambda _, given, output: states.append(output))
    with torch.inference_mode():
        pooled, found = tower(ids), image_text_open_clip.token_tower_of(tower)(ids)
        torch.testing.assert_close(found, states[0] @ text.text_projection)
        torch.testing.assert_close(found[torch.arange(3), ids.argmax(1)], pooled)
        torch.testing.assert_close(tower(ids), pooled, msg="the tower itself still pools")
    assert found.shape == (3, 8, 4)


def test_a_text_without_its_beginning_end_and_padding_is_its_words():
    told = OpenClipNetwork("ViT-B-32.openai")._tokenize(None, 12, 49408)(["wow!", "!", "", "cat " * 30])
    words = [open_clip.SimpleTokenizer().decode(ids[kept].tolist()).strip() for ids, kept in zip(*told, strict=True)]
    assert words == ["wow !", "!", "", " ".join(["cat"] * 10)]


@pytest.mark.parametrize("tower", [torch.nn.Identity(), open_clip.CoCa])
def test_a_tower_whose_tokens_are_not_in_the_space_of_images_has_none(tower):
    if tower is open_clip.CoCa:
        vision = {
            "layers": 1,
            "width": 16,
            "head_width": 8,
            "patch_size": 16,
            "image_size": 32,
            "attentional_pool": True,
        }
        vision |= {"attn_pooler_heads": 2}
        text = {"layers": 1, "width": 16, "heads": 2, "vocab_size": 50, "context_length": 8, "embed_cls": True}
        more = {"layers": 1, "width": 16, "heads": 2, "vocab_size": 50, "context_length": 8}
        tower = open_clip.CoCa(embed_dim=16, multimodal_cfg=more, text_cfg=text, vision_cfg=vision)
    assert image_text_open_clip.token_tower_of(tower) is None


def test_a_network_that_nobody_has_is_one_clear_line():
    with pytest.raises(ConfigError, match="has no 'ViT-Z-1'"):
        image_text_open_clip.build("ViT-Z-1.x")


@pytest.mark.parametrize("change", ["missing", "unused"])
def test_a_tensor_that_is_missing_or_one_too_many_is_refused_by_name(tiny, tmp_path, monkeypatch, change):
    monkeypatch.setattr(image_text_open_clip, "build", lambda name: tiny)
    tensors = {name: tensor.clone() for name, tensor in tiny.state_dict().items()}
    name = "visual.ln_post.weight" if change == "missing" else "visual.extra.weight"
    tensors = (
        tensors | {name: torch.zeros(3)}
        if change == "unused"
        else {one: tensors[one] for one in tensors if one != name}
    )
    path = tmp_path / "timm/ViT-B-16-SigLIP2/open_clip_model.safetensors"
    path.parent.mkdir(parents=True)
    save_file(tensors, path)
    with pytest.raises(WeightsError, match=f"not the weights of this network: (.|\n)*{name}"):
        Expert(Params(NAME, 4, 32), WeightSource(WeightOptions(tmp_path, offline=True))).load("cpu")
