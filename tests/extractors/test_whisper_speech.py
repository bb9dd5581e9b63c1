from types import SimpleNamespace

import numpy as np
import pytest
import torch

from extractors import whisper_speech
from extractors.whisper_speech import Expert, Params, log_mel, loudest, sound_s, spread
from pipeline.audio import read_audio
from pipeline.weights import WeightSource
from tests.clips import tone
from tests.extractors.shown import REFERENCE, with_reference

SAMPLES = 480000


def window(*sounds):
    joined = np.concatenate([*sounds]).astype(np.float32)
    return np.pad(joined, (0, SAMPLES - len(joined)))


@with_reference
def test_log_mel_is_that_of_the_reference(media):
    sound = read_audio(media / "audio" / "jfk.flac", 16000, 0.0, 11.0, "kaiser")
    found = log_mel(torch.from_numpy(sound[None]), 80)[0].numpy()
    expected = np.load(REFERENCE / "whisper_logmel_jfk_80.npy")
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 1e-4


def test_the_log_mel_of_a_window_does_not_depend_on_its_neighbours():
    quiet, loud = window(0.01 * tone(5, 440, 16000)), window(tone(5, 880, 16000))
    together = log_mel(torch.from_numpy(np.stack([quiet, loud])), 80)
    torch.testing.assert_close(together[0], log_mel(torch.from_numpy(quiet[None]), 80)[0])


class Heard(Expert):
    """An expert that hears what it is told to."""

    def load(self, device):
        self._vectors = self._words
        self._vectors.load(device)
        self.network = SimpleNamespace(is_multilingual=True, num_languages=99)
        self.asked = []

    def _hear(self, windows):
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


def test_words_have_times_language_and_confidence(heard):
    found = heard.embed(np.stack([window(tone(6, 440, 16000))]))
    assert found.extras["text"].tolist() == ["Ask", "not", "what", "your"]
    assert set(found.extras["language"].tolist()) == {"en"}
    np.testing.assert_allclose(found.extras["confidence"], np.exp(-0.3), rtol=1e-6)
    # Two seconds for two words of three letters; then the rest, no longer than there is sound.
    np.testing.assert_allclose(found.times_s, [[0, 1], [1, 2], [2, 4], [4, 6]], atol=0.03)
    assert found.values.shape == (4, 300)


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
    assert loudest(np.zeros(SAMPLES, np.float32)) == 0
    assert loudest(window(tone(1, 440, 16000))) == pytest.approx(0.5 / 2**0.5, rel=0.01)
    assert sound_s(window(np.ones(16000))) == pytest.approx(1.0)
    assert sound_s(np.zeros(SAMPLES, np.float32)) == 0


def test_time_is_shared_by_letters():
    assert spread(" a bcd!", 1.0, 3.0) == [("a", 1.0, 1.5), ("bcd", 1.5, 3.0)]
    assert spread(" ...", 1.0, 3.0) == []


@pytest.mark.parametrize("wrong", [{"network": "huge"}, {"max_no_speech": 2.0}, {"max_tokens": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Params(**wrong)


@pytest.mark.slow
def test_stand_ins_babble_the_same_in_any_batch():
    expert = whisper_speech.Expert(Params(network="tiny"), WeightSource(always_seeded=True))
    expert.load("cpu")
    noise = np.random.default_rng(0).normal(size=64000) * 0.1
    both = np.stack([window(noise), window(tone(5, 440, 16000))])
    together = expert.embed(both)
    alone = [expert.embed(one[None]) for one in both]
    assert together.extras["text"].tolist() == [word for one in alone for word in one.extras["text"].tolist()]
