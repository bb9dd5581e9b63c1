import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from extractors.language_model import Encoder, EncoderParams
from extractors.networks.bert import Bert
from pipeline.errors import WeightsError
from pipeline.weights.files import SEEDED, WeightOptions, WeightSource
from tests.extractors.packaged import packaged_text

TEXTS = ["a red star turns", "a", "the blue star is small and turns slowly"]
VOCABULARY = {word: number for number, word in enumerate(["?", *dict.fromkeys(" ".join(TEXTS).split())])}
SIZES = {
    "bert": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24},
    "gpt2": {"n_embd": 16, "n_layer": 2, "n_head": 2},
    "openai-gpt": {"n_embd": 16, "n_layer": 2, "n_head": 2},
    "mpnet": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24},
}


def params(kind, **changed):
    sizes = SIZES[kind] | {"vocab_size": 40}
    return EncoderParams(**({"network": "me/tiny", "kind": kind, "sizes": sizes, "dim": 16} | changed))


@pytest.fixture
def released(tmp_path):
    """A function that writes a model's files as the hub has them, and gives the model itself."""

    def write(kind, rename=lambda name: name):
        from transformers import AutoConfig, AutoModel

        torch.manual_seed(0)
        model = AutoModel.from_config(AutoConfig.for_model(kind, **SIZES[kind], vocab_size=40)).eval()
        folder = tmp_path / "me" / "tiny"
        model.save_pretrained(folder)
        tensors = load_file(folder / "model.safetensors")
        save_file({rename(name): tensor for name, tensor in tensors.items()}, folder / "model.safetensors")
        tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="?"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.save(str(folder / "tokenizer.json"))
        return model, WeightSource(WeightOptions(tmp_path))

    return write


@pytest.mark.parametrize("kind", SIZES)
def test_the_vectors_are_those_of_transformers_for_one_text_at_a_time(released, kind):
    model, source = released(kind)
    encoder = Encoder(params(kind), source)
    encoder.load("cpu")
    for text, found in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        ids = torch.tensor([[VOCABULARY[word] for word in text.split()]])
        with torch.inference_mode():
            expected = model(ids).last_hidden_state[0].numpy()
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_names_of_old_files_and_prefixes_of_heads_are_understood(released):
    def old(name):
        return "bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")

    _, modern = released("bert")
    one = Encoder(params("bert"), modern)
    one.load("cpu")
    expected = one.encode(TEXTS)
    _, source = released("bert", old)
    other = Encoder(params("bert"), source)
    other.load("cpu")
    for found, wanted in zip(other.encode(TEXTS), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_file_without_the_layer_that_pools_is_read(released):
    _, source = released("bert")
    encoder = Encoder(params("bert"), source)
    encoder.load("cpu")
    expected = encoder.encode(TEXTS)
    path = source.options.cache / "me" / "tiny" / "model.safetensors"
    save_file({name: tensor for name, tensor in load_file(path).items() if "pooler" not in name}, path)
    encoder.load("cpu")
    for found, wanted in zip(encoder.encode(TEXTS), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_sentence_encoder_gives_the_mean_of_the_tokens(released):
    _, source = released("mpnet")
    tokens, mean = Encoder(params("mpnet"), source), Encoder(params("mpnet", pool="mean"), source)
    for encoder in (tokens, mean):
        encoder.load("cpu")
    for each, one in zip(tokens.encode(TEXTS), mean.encode(TEXTS), strict=True):
        np.testing.assert_allclose(one, each.mean(0)[None], rtol=1e-6)


def test_a_unit_mean_is_the_mean_with_length_1(released):
    _, source = released("bert")
    mean, unit = (Encoder(params("bert", pool=pool), source) for pool in ("mean", "unit_mean"))
    for encoder in (mean, unit):
        encoder.load("cpu")
    for one, other in zip(mean.encode(TEXTS), unit.encode(TEXTS), strict=True):
        np.testing.assert_allclose(other, one / np.sqrt((one**2).sum()), rtol=1e-6)


def test_sentence_minilm_gives_the_vectors_of_sentence_transformers(monkeypatch):
    encoder = packaged_text("sentence_minilm")
    sentence_transformers = pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers is not installed"
    )
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = encoder.weight_path("network").parent
    texts = ["a bear", "", "Ein Mädchen öffnet die Tür – „schön“", "two dogs run along the beach " * 60]
    expected = sentence_transformers.SentenceTransformer(str(folder), device="cpu").encode(texts)
    np.testing.assert_allclose(np.concatenate(encoder.encode(texts)), expected, atol=1e-5)


def test_long_texts_are_cut_off_and_empty_ones_have_a_vector(released):
    _, source = released("gpt2")
    encoder = Encoder(params("gpt2", max_tokens=3), source)
    encoder.load("cpu")
    assert [len(found) for found in encoder.encode([TEXTS[2], "", "a"])] == [3, 1, 1]


def test_a_tokenizer_that_fills_texts_up_by_itself_gives_no_vectors_of_nothing(released):
    """Those of sentence encoders come with a fixed length."""
    _, source = released("mpnet")
    encoder = Encoder(params("mpnet", pool="mean"), source)
    encoder.load("cpu")
    expected = encoder.encode(TEXTS)
    path = source.options.cache / "me" / "tiny" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_padding(length=12)
    tokenizer.save(str(path))
    encoder.load("cpu")
    for found, wanted in zip(encoder.encode(TEXTS), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_stand_ins_need_no_file_and_say_so():
    source = WeightSource(always_seeded=True)
    one, other = Encoder(params("bert"), source), Encoder(params("bert"), source)
    assert set(one.weights.values()) == {SEEDED}
    assert one.weight_files() == {}
    for encoder in (one, other):
        encoder.load("cpu")
    for first, second in zip(one.encode(TEXTS), other.encode(TEXTS), strict=True):
        np.testing.assert_array_equal(first, second)
        assert np.isfinite(first).all()


def test_a_file_of_another_size_is_told(released):
    _, source = released("bert")
    with pytest.raises(WeightsError, match="not the weights of this network"):
        Encoder(params("bert", sizes=SIZES["bert"] | {"vocab_size": 41}), source).load("cpu")


@pytest.mark.parametrize("pool", ["tokens", "mean", "unit_mean"])
def test_for_queries_bert_gives_the_same_without_torch(released, pool):
    _, source = released("bert")
    encoder, light = (Encoder(params("bert", pool=pool), source) for _ in range(2))
    encoder.load("cpu")
    light.load_for_queries()
    assert isinstance(light._model, Bert)
    for found, wanted in zip(light.encode([*TEXTS, ""]), encoder.encode([*TEXTS, ""]), strict=True):
        np.testing.assert_allclose(found, wanted, atol=3e-6)
        assert found.shape == wanted.shape


@pytest.mark.parametrize("kind", ["gpt2", "mpnet"])
def test_for_queries_other_models_are_loaded_as_ever(released, kind):
    model, source = released(kind)
    encoder = Encoder(params(kind), source)
    encoder.load_for_queries()
    ids = torch.tensor([[VOCABULARY[word] for word in TEXTS[0].split()]])
    with torch.inference_mode():
        np.testing.assert_allclose(encoder.encode(TEXTS[:1])[0], model(ids).last_hidden_state[0].numpy(), atol=2e-6)


def test_for_queries_stand_ins_and_files_that_do_not_fit_are_as_ever(released):
    _, source = released("bert")
    with pytest.raises(WeightsError, match="not the weights of this network"):
        Encoder(params("bert", sizes=SIZES["bert"] | {"vocab_size": 41}), source).load_for_queries()
    stand_in = Encoder(params("bert"), WeightSource(always_seeded=True))
    stand_in.load_for_queries()
    assert not isinstance(stand_in._model, Bert)
    assert stand_in.encode(TEXTS)[0].shape == (4, 16)


def test_sentence_minilm_gives_queries_the_vectors_that_it_gives_to_captions():
    encoder = packaged_text("sentence_minilm")
    light = Encoder(encoder.params, encoder.source)
    light.load_for_queries()
    assert isinstance(light._model, Bert)
    texts = ["a bear", "", "Ein Mädchen öffnet die Tür – „schön“", "two dogs run along the beach " * 60]
    np.testing.assert_allclose(np.concatenate(light.encode(texts)), np.concatenate(encoder.encode(texts)), atol=2e-6)
