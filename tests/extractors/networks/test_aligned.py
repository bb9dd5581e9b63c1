from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch.nn.functional import layer_norm, linear, relu
from transformers import AutoTokenizer

from extractors import audio_text, audio_video_text, video_text
from extractors.networks.aligned import words_or_whole
from tests.extractors.hub_folder import NAME, REVISION, TEXTS, folder_of, release, unit_length

LENGTH, DIM = 10, 32
SIZES = {"dim": DIM, "size_px": 28, "num_frames": 3, "max_tokens": LENGTH}
TOWERS = [
    (video_text, "videoprism", {"size_px": 36}), (video_text, "xclip", {"size_px": 64}), (video_text, "pe_video", {}),
    (video_text, "pe_audio_video", {}), (audio_text, "clap", {}), (audio_text, "pe_audio", {}),
    (audio_video_text, "pe_audio_video", {}),
]  # fmt: skip


def of_states(module, kind, model, states):
    """What each of the last hidden states (B, W, H) is in the space of videos or sound, from the weights alone."""
    weights = dict(model.named_parameters())
    if kind == "videoprism":
        return states[:, :LENGTH]
    if kind == "xclip":
        return states @ weights["text_projection.weight"].T
    if kind == "clap":
        name = "text_model.pooler.dense"
        states = torch.tanh(linear(states, weights[f"{name}.weight"], weights[f"{name}.bias"]))
        names = [f"text_projection.linear{at}" for at in (1, 2)]
        first, second = ((weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in names)
        return linear(relu(linear(states, *first)), *second)
    head = {video_text: "text_video_head", audio_text: "text_audio_head", audio_video_text: "text_audio_video_head"}
    inner = {video_text: "video_model.", audio_text: "audio_model."}.get(module, "") if "audio_video" in kind else ""
    name = f"{inner}{head[module]}"
    scale, shift = (weights[f"{name}.layer_norm.{part}"] for part in ("weight", "bias"))
    return linear(layer_norm(states, states.shape[-1:], scale, shift, 1e-6), weights[f"{name}.proj.weight"])


@pytest.mark.parametrize(("module", "kind", "sizes"), TOWERS, ids=[f"{one[0].__name__}-{one[1]}" for one in TOWERS])
def test_each_token_is_its_last_hidden_state_by_the_head_of_the_text(module, kind, sizes, tmp_path):
    model, source = release(tmp_path, kind, **(SIZES | sizes))
    encoder = module.Encoder(module.EncoderParams(NAME, REVISION, DIM, LENGTH), source)
    encoder.load("cpu")
    words = AutoTokenizer.from_pretrained(folder_of(tmp_path))(
        TEXTS, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    inner = {video_text: "video_model", audio_text: "audio_model"}.get(module) if kind == "pe_audio_video" else None
    text_model = (getattr(model, inner) if inner else model).text_model
    with torch.inference_mode():
        told = text_model(**words, output_hidden_states=True)
        expected = of_states(module, kind, model, getattr(told, "last_hidden_state", told.hidden_states[-1]))
    found = encoder.encode_tokens([*TEXTS, ""])
    assert [len(one) for one in found] == [3, 6, LENGTH - 2, 1, 1]
    for vectors, of_text in zip(found, expected, strict=False):
        np.testing.assert_allclose(vectors, unit_length(of_text[1 : len(vectors) + 1]), atol=1e-5)
    np.testing.assert_allclose(found[-1], encoder.encode([""])[0], atol=1e-6)


def test_a_text_without_a_word_is_its_vector():
    values = np.array([[[3.0, 4.0], [5.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]], np.float32)
    encoder = Mock(encode=lambda texts: [np.array([[1.0, 0.0]], np.float32) for text in texts if text == "?!"])
    found = words_or_whole(values, np.array([[True, False], [False, False]]), ["word", "?!"], encoder)
    np.testing.assert_allclose(found[0], [[0.6, 0.8]])
    np.testing.assert_allclose(found[1], [[1.0, 0.0]])
