import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, ClapFeatureExtractor, PeAudioFeatureExtractor

from extractors.audio_text import Encoder, EncoderParams, Expert, Params
from extractors.base import AudioNeed, AudioView
from tests.extractors.hub_folder import NAME, REVISION, TEXTS, folder_of, num_shards, release, unit_length

RATE_HZ = 48000
WINDOW_S = 1.0
LENGTH = 10
DIM = 32
SECONDS = np.array([1.0, 1.0, 0.3])
"""Sound in each window; the rest of the last one is padding."""


@pytest.fixture(scope="module", params=["clap", "pe_audio", "pe_audio_video"])
def released(request, tmp_path_factory):
    cache, kind = tmp_path_factory.mktemp(request.param), request.param
    model, source = release(cache, kind, shards=kind == "clap", dim=DIM, size_px=28, max_tokens=LENGTH)
    return kind, num_shards(cache), model, cache, source


@pytest.fixture(scope="module")
def expert(released):
    _, shards, _, _, source = released
    made = Expert(Params(NAME, REVISION, DIM, RATE_HZ, WINDOW_S, WINDOW_S, 0.1, shards=shards), source)
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def encoder(released):
    _, shards, _, _, source = released
    made = Encoder(EncoderParams(NAME, REVISION, DIM, LENGTH, shards=shards), source)
    made.load("cpu")
    return made


@pytest.fixture(scope="module")
def view():
    """Three windows of noise in different colours."""
    random, size = np.random.default_rng(0), round(WINDOW_S * RATE_HZ)
    samples = np.concatenate(
        [np.convolve(random.normal(size=size), np.ones(width) / width, "same") for width in (1, 9, 99)]
    )
    samples[2 * size + round(SECONDS[2] * RATE_HZ) :] = 0
    starts = np.arange(3) * size
    times_s = np.stack([np.arange(3.0), np.arange(3) + SECONDS], axis=1)
    return AudioView(samples.astype(np.float32), RATE_HZ, starts, size, times_s)


def by_library(kind, model, view, words):
    """The vectors of sounds and texts by the library's own feature extractor and forward."""
    sounds = [window[: round(seconds * RATE_HZ)] for window, seconds in zip(view.windows, SECONDS, strict=True)]
    with torch.inference_mode():
        if kind == "clap":
            told = ClapFeatureExtractor(max_length_s=WINDOW_S, truncation="fusion")(
                sounds, sampling_rate=RATE_HZ, max_length=view.window, return_tensors="pt"
            )
            told["is_longer"] = torch.zeros(3, 1, dtype=torch.bool)  # which it draws by lot
            both = model(input_features=told["input_features"].float(), is_longer=told["is_longer"], **words)
            return both.audio_embeds, both.text_embeds
        inner = model.audio_model if kind == "pe_audio_video" else model
        vectors = []
        for sound in sounds:  # one by one: no padding at all
            told = PeAudioFeatureExtractor()(sound, sampling_rate=RATE_HZ, return_tensors="pt")
            samples = told["input_values"].reshape(1, 1, -1)
            vectors.append(inner(input_values=samples, **{key: one[:1] for key, one in words.items()}).audio_embeds)
        return torch.cat(vectors), inner(input_values=samples.expand(len(TEXTS), -1, -1), **words).text_audio_embeds


def test_sounds_and_texts_are_what_the_librarys_own_forward_makes_of_them(released, expert, encoder, view):
    kind, _, model, cache, _ = released
    words = AutoTokenizer.from_pretrained(folder_of(cache))(
        TEXTS, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    sounds, texts = by_library(kind, model, view, dict(words))
    found = expert.embed(expert.prepare(view)).values
    assert found.shape == (3, DIM)
    np.testing.assert_allclose(found, unit_length(sounds), atol=1e-5)
    np.testing.assert_allclose(np.concatenate(encoder.encode(TEXTS)), unit_length(texts), atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-4


def test_a_window_does_not_depend_on_those_beside_it(expert, view):
    items = expert.prepare(view)
    together = expert.embed(items).values
    for number in range(3):
        np.testing.assert_allclose(expert.embed(items[number : number + 1]).values[0], together[number], atol=1e-5)


def test_an_item_knows_how_much_of_its_window_is_sound(expert, view):
    items = expert.prepare(view)
    assert items["num"].tolist() == [48000, 48000, 14400]
    np.testing.assert_array_equal(items["samples"], view.windows)
    assert expert.need == AudioNeed(RATE_HZ, WINDOW_S, WINDOW_S, least_s=0.1)


@pytest.mark.parametrize("wrong", ["rate_hz", "window_s", "hop_s", "least_s"])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be above 0"):
        Params(NAME, REVISION, DIM, **{wrong: 0})
