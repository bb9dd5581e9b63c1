from types import SimpleNamespace

import numpy as np
import pytest
import torch
from whisper import ModelDimensions, Whisper

from extractors import whisper_speech
from extractors.networks import linear
from extractors.whisper_speech import Expert, Params, audio_end_s, loudest_rms
from pipeline.weights import seeded
from pipeline.weights.files import WeightFile, WeightOptions, WeightSource
from tests.clips import tone
from tests.devices import CPU_AS_GPU, nothing_is_pinned_without_a_gpu
from tests.extractors.private_api import assert_there

SAMPLES = 480000


def window(*sounds):
    joined = np.concatenate([*sounds]).astype(np.float32)
    return np.pad(joined, (0, SAMPLES - len(joined)))


class Heard(Expert):
    """An expert that hears what it is told to."""

    def load(self, device):
        self.device = device
        self.load_vectors("cpu")
        self.network = SimpleNamespace(is_multilingual=True, num_languages=99)
        self.asked = []

    def _transcribe(self, windows):
        assert all(loudest_rms(one) for one in windows), "silence is not shown to the network"
        self.asked.append(len(windows))
        return [self.result] * len(windows)


@pytest.fixture
def heard():
    expert = Heard(Params(), WeightSource())
    expert.load("cpu")
    tokenizer = expert._tokenizer("en")
    at = tokenizer.timestamp_begin
    tokens = [at, *tokenizer.encode(" Ask not"), at + 100, at + 100, *tokenizer.encode(" what your"), at + 400]
    expert.result = SimpleNamespace(
        tokens=tokens, language="en", avg_logprob=-0.3, no_speech_prob=0.01, compression_ratio=1.1
    )
    return expert


def test_the_tokenizer_of_whisper_is_where_it_was(heard):
    used = "extractors/whisper_speech.py decodes the text between timestamps with it"
    assert_there("whisper.tokenizer", "get_tokenizer", used)
    for name in ("timestamp_begin", "decode"):
        assert_there(heard._tokenizer("en"), name, used)


def test_words_have_times_language_and_confidence(heard):
    found = heard.embed(np.stack([window(tone(6, 440, 16000))]))
    assert found.extras["text"].tolist() == ["Ask", "not", "what", "your"]
    assert set(found.extras["language"].tolist()) == {"en"}
    np.testing.assert_allclose(found.extras["confidence"], np.exp(-0.3), rtol=1e-6)
    # Two seconds for two words of three letters; then the rest, no longer than there is sound.
    np.testing.assert_allclose(found.times_s, [[0, 1], [1, 2], [2, 4], [4, 6]], atol=0.03)
    assert found.values.shape == (4, 300)


def test_on_a_gpu_as_many_windows_are_heard_as_there_are_whatever_is_silent(heard):
    spoken, silent = window(tone(5, 440, 16000)), np.zeros(SAMPLES, np.float32)
    expected = heard.embed(np.stack([silent, spoken, silent]))
    heard.load("cuda:0")
    found = heard.embed(np.stack([silent, spoken, silent]))
    assert heard.asked == [3]
    assert len(found.values) == len(expected.values) > 0
    assert found.item_index.tolist() == expected.item_index.tolist()
    assert heard.embed(np.stack([silent] * 2)).values.shape == (0, 300)
    assert heard.asked == [3]


def test_silence_is_not_even_heard(heard):
    silence, speech = window(np.zeros(10)), window(tone(6, 440, 16000))
    found = heard.embed(np.stack([silence, speech, silence]))
    assert heard.asked == [1]
    assert set(found.item_index.tolist()) == {1}
    nothing = heard.embed(silence[None])
    assert heard.asked == [1]
    assert nothing.values.shape == (0, 300)
    assert nothing.times_s.shape == (0, 2)


@pytest.mark.parametrize(
    ("judged", "kept"),
    [
        ({"no_speech_prob": 0.9, "avg_logprob": -1.5}, False),
        ({"no_speech_prob": 0.9, "avg_logprob": -0.2}, True),
        ({"compression_ratio": 3.0}, False),
    ],
)
def test_what_whisper_takes_for_silence_or_repeats_has_no_words(heard, judged, kept):
    heard.result = SimpleNamespace(**(vars(heard.result) | judged))
    assert bool(len(heard.embed(window(tone(6, 440, 16000))[None]).values)) == kept


def test_words_after_the_sound_are_made_up(heard):
    found = heard.embed(window(tone(1.5, 440, 16000))[None])
    assert found.extras["text"].tolist() == ["Ask", "not"]
    assert found.times_s.max() <= 1.52


def test_measures_of_sound():
    assert loudest_rms(np.zeros(SAMPLES, np.float32)) == 0
    assert loudest_rms(window(tone(1, 440, 16000))) == pytest.approx(0.5 / 2**0.5, rel=0.01)
    assert audio_end_s(window(np.ones(16000))) == pytest.approx(1.0)
    assert audio_end_s(np.zeros(SAMPLES, np.float32)) == 0
    assert audio_end_s(np.ones(SAMPLES, np.float32)) == 30
    first = np.zeros(SAMPLES, np.float32)
    first[0] = -1
    assert audio_end_s(first) == pytest.approx(0.02), "rounded up"


@pytest.mark.parametrize(
    "wrong",
    [
        {"network": "huge"},
        {"max_no_speech": 2.0},
        {"max_tokens": 0},
        {"temperatures": ()},
        {"temperatures": (0.0, -0.2)},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Params(**wrong)


@pytest.fixture
def unsure(tmp_path):
    """An expert whose Whisper is tiny and knows nothing, so that every window is tried at all temperatures."""
    torch.set_num_threads(1)
    sizes = ModelDimensions(80, 1500, 16, 2, 1, 51865, 448, 16, 2, 1)
    network = seeded.fill(Whisper(sizes))
    (tmp_path / "whisper").mkdir()
    checkpoint = {"dims": vars(sizes), "model_state_dict": network.state_dict()}
    torch.save(checkpoint, tmp_path / "whisper" / "tiny.pt")
    params = Params(network="tiny", max_tokens=8, temperatures=(0.0, 1.0), max_no_speech=1.0, max_compression=99)
    file = WeightFile("https://example.org/tiny.pt", place="whisper/tiny.pt")
    expert = Expert(params, WeightSource(WeightOptions(tmp_path), {"network": file}))
    expert.load("cpu")
    return expert


def test_what_is_drawn_for_a_window_depends_on_nothing_but_its_sound(unsure):
    sounds = [window(tone(seconds, hz, 16000)) for seconds, hz in ((5, 440), (12, 300))]
    one, other = (list(unsure.embed(sound[None]).extras["text"]) for sound in sounds)
    torch.manual_seed(1)
    forward, backward = unsure.embed(np.stack(sounds)), unsure.embed(np.stack(sounds[::-1]))
    assert one != other
    assert list(forward.extras["text"]) == one + other
    assert list(backward.extras["text"]) == other + one
    assert (forward.extras["confidence"] < np.exp(-1)).all(), "surer than the limit, so nothing was drawn"


def test_what_is_written_for_a_gpu_hears_the_same_beside_silence(unsure, monkeypatch):
    """With retries at a higher temperature, which are filled up too."""
    sounds = [window(tone(seconds, hz, 16000)) for seconds, hz in ((5, 440), (12, 300))]
    windows = np.stack([np.zeros_like(sounds[0]), sounds[0], np.zeros_like(sounds[0]), sounds[1]])
    expected = unsure.embed(windows)
    nothing_is_pinned_without_a_gpu(monkeypatch)
    unsure.load(CPU_AS_GPU)
    found = unsure.embed(windows)
    assert found.item_index.tolist() == expected.item_index.tolist()
    assert set(found.item_index) == {1, 3}
    assert found.extras["text"].tolist() == expected.extras["text"].tolist()
    np.testing.assert_allclose(found.extras["confidence"], expected.extras["confidence"], rtol=1e-4)


@pytest.mark.slow
def test_stand_ins_babble_the_same_in_any_batch():
    expert = whisper_speech.Expert(Params(network="tiny", max_tokens=24), WeightSource(always_seeded=True))
    expert.load("cpu")
    noise = np.random.default_rng(0).normal(size=64000) * 0.1
    both = np.stack([window(noise), window(tone(5, 440, 16000))])
    together = expert.embed(both)
    alone = [expert.embed(one[None]) for one in both]
    assert together.extras["text"].tolist() == [word for one in alone for word in one.extras["text"].tolist()]


def test_on_a_cpu_its_linear_layers_are_computed_by_onednn_where_that_is_faster(monkeypatch):
    monkeypatch.setattr(linear, "is_faster_than_mkl", lambda: True)
    expert = whisper_speech.Expert(Params(network="tiny"), WeightSource(always_seeded=True))
    expert.load("cpu")
    layers = [module for module in expert.network.modules() if isinstance(module, torch.nn.Linear)]
    assert layers
    assert all(isinstance(layer, linear.ByOneDnn) for layer in layers)
