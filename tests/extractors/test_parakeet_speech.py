import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import ParakeetFeatureExtractor, ParakeetForTDT, ParakeetTDTConfig, ParakeetTokenizer

from extractors import parakeet_speech
from extractors.parakeet_speech import FRAME_S, Expert, Params, whole_words
from extractors.text.hashed_words import EncoderParams
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.reference import seeded, wave

NAME = "transformers/me/tiny"
TEXTS = ["<unk>", "<pad>", *(f"▁{letter}{letter}" for letter in "abcdefgh"), *"ijklmnop", "<blank>"]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A tiny network of the library, and the cache in which its files lie as those of me/tiny."""
    cache = tmp_path_factory.mktemp("cache")
    folder = cache / "me" / "tiny"
    made = Tokenizer(models.WordLevel({text: number for number, text in enumerate(TEXTS)}, unk_token="<unk>"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    ParakeetTokenizer(
        tokenizer_object=made, unk_token="<unk>", pad_token="<pad>", extra_special_tokens=["<blank>"]
    ).save_pretrained(folder)
    encoder = {
        "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
        "subsampling_conv_channels": 4, "num_mel_bins": 16,
    }  # fmt: skip
    settings = ParakeetTDTConfig(
        vocab_size=len(TEXTS), decoder_hidden_size=16, num_decoder_layers=1, encoder_config=encoder, pad_token_id=1,
        blank_token_id=len(TEXTS) - 1,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = ParakeetForTDT(settings).eval()
        with torch.no_grad():  # as they are, small, it would say the same token again and again
            for parameter in network.parameters():
                parameter.mul_(4)
    network.save_pretrained(folder)
    return network, cache


def expert_of(cache):
    expert = Expert(Params(NAME, words=EncoderParams(dim=8)), WeightSource(WeightOptions(cache, offline=True)))
    expert.load("cpu")
    return expert


def greedy(network, audio):
    """(text, start and end in frames) of each token, by the definition of a TDT on the network's own forward pass."""
    inputs = ParakeetFeatureExtractor(feature_size=16)(audio, sampling_rate=16000, return_tensors="pt")
    blank, at, before, heard = network.config.blank_token_id, 0, [network.config.blank_token_id], []
    with torch.inference_mode():
        encoded = network.get_audio_features(**inputs)
        states = encoded.pooler_output
        while at < int(encoded.attention_mask.sum()):
            decoded = network.decoder(torch.tensor([before]), cache=None)[:, -1:]
            logits = network.joint(encoder_hidden_states=states[:, at, None], decoder_hidden_states=decoded)[0, -1]
            token, step = int(logits[: len(TEXTS)].argmax()), int(logits[len(TEXTS) :].argmax())
            if token != blank:
                heard.append((TEXTS[token], at, at + step))
                before.append(token)
            at += max(step, 1) if token == blank else step
            assert len(heard) < 1000
    return heard


def test_what_it_hears_is_what_the_networks_own_forward_pass_says(released):
    network, cache = released
    expected = [one for one in greedy(network, wave()) if one[0] not in {"<unk>", "<pad>"}]
    found = expert_of(cache)._tokens(wave())
    assert len(found) > 3
    assert [token["token"].strip() for token in found] == [text.lstrip("▁") for text, *_ in expected]
    np.testing.assert_allclose([token["start"] for token in found], [start * FRAME_S for _, start, _ in expected])
    np.testing.assert_allclose([token["end"] for token in found], [end * FRAME_S for *_, end in expected])


def test_words_are_rows_with_their_times(released):
    expert = expert_of(released[1])
    window = np.zeros((2, 480000), np.float32)
    window[1, : len(wave())] = wave()
    embedded = expert.embed(window)
    assert set(embedded.item_index.tolist()) == {1}, "silence stays without words"
    words = list(whole_words(expert._tokens(wave())))
    assert embedded.extras["text"].tolist() == [word.text for word in words]
    assert embedded.times_s[:, 0].tolist() == pytest.approx([word.start_s for word in words])
    assert (embedded.times_s[:, 0] < embedded.times_s[:, 1]).all()
    assert embedded.times_s.max() <= 2.0
    assert embedded.values.shape == (len(words), 8)


def test_a_word_is_a_token_with_a_blank_before_it_and_those_that_follow():
    told = [("Hel", 0.0, 0.1), ("lo", 0.1, 0.2), (",", 0.2, 0.2), (" wor", 0.5, 0.6), ("ld", 0.6, 0.9), (" ", 1.0, 1.1)]
    words = list(whole_words([{"token": text, "start": start, "end": end} for text, start, end in told]))
    assert [tuple(word)[:3] for word in words] == [("Hello,", 0.0, 0.2), ("world", 0.5, 0.9)]


def test_another_network_is_refused(released, tmp_path):
    from transformers import BertConfig, BertModel

    small = {"vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    BertModel(BertConfig(**small, intermediate_size=8)).save_pretrained(tmp_path / "me" / "tiny")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "me" / "tiny" / name).write_bytes((released[1] / "me" / "tiny" / name).read_bytes())
    with pytest.raises(WeightsError, match=r"tiny/model\.safetensors"):
        expert_of(tmp_path)


@pytest.mark.parametrize(("change", "says"), [("missing", "no file holds"), ("unused", "does not have")])
def test_a_tensor_that_is_missing_or_one_too_many_is_refused_by_name(released, tmp_path, change, says):
    folder = tmp_path / "me" / "tiny"
    shutil.copytree(released[1] / "me" / "tiny", folder)
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.startswith("joint")) if change == "missing" else "joint.extra.weight"
    changed = {one: tensor for one, tensor in tensors.items() if one != name}
    save_file(
        changed | ({} if change == "missing" else {name: torch.zeros(3)}),
        folder / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(WeightsError, match=f"tensors .*{says}: {name}"):
        expert_of(tmp_path)


def test_stand_ins_hear_a_word_a_second_and_wrong_settings_are_refused():
    window = np.zeros((1, 480000), np.float32)
    window[0, : len(wave())] = wave()
    assert seeded(parakeet_speech).embed(window).times_s.tolist() == [[0, 1], [1, 2]]
    for wrong in ({"network": "parakeet"}, {"quietest": -1}):
        with pytest.raises(ValueError, match="must"):
            Params(**wrong)
