import re
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from scipy.signal import resample_poly

from extractors import fast_speech
from extractors.fast_speech import Expert, Params
from pipeline.errors import ExtractionError
from tests.clips import tone
from tests.extractors.packaged import packaged_expert
from tests.extractors.reference import SEEDED, seeded
from tests.extractors.run_experts import named

RATE_HZ = 16000
SAMPLES = 30 * RATE_HZ
SPOKEN = "The lighthouse keeper bought seven green apples."


def window(*sounds):
    joined = np.concatenate([*sounds]).astype(np.float32)
    return np.pad(joined, (0, SAMPLES - len(joined)))


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    """SPOKEN, as samples."""
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng, which speaks the sentence, is not installed: apt-get install espeak-ng")
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    subprocess.run(["espeak-ng", "-s", "140", "-w", path, SPOKEN], check=True)
    rate_hz, samples = wavfile.read(path)
    return resample_poly(samples.astype(np.float32) / 32768, RATE_HZ, rate_hz)


def test_a_voice_becomes_words_with_their_times_and_noise_and_tones_become_none(voice):
    expert = packaged_expert("speech_fast")
    noise = np.random.default_rng(0).normal(0, 0.1, 20 * RATE_HZ)
    silence = np.zeros(RATE_HZ)
    items = np.stack([window(noise), window(silence, voice), window(tone(30, 440, RATE_HZ)), window(silence)])
    found = expert.embed(items)
    words = [str(word).lower() for word in found.extras["text"]]
    spoken = re.findall(r"\w+", SPOKEN.lower())
    assert len(set(words) & set(spoken)) >= 5, words
    assert set(found.item_index.tolist()) == {1}
    assert set(found.extras["language"].tolist()) == {"en"}
    assert np.all((found.extras["confidence"] > 0) & (found.extras["confidence"] <= 1))
    starts_s, ends_s = found.times_s.T
    assert np.all(np.diff(starts_s) >= 0)
    assert np.all(starts_s < ends_s)
    assert starts_s[0] >= 0.5
    assert ends_s[-1] <= 1 + len(voice) / RATE_HZ + 0.1


def test_a_window_has_the_same_words_alone_and_again(voice):
    expert = packaged_expert("speech_fast")
    items = np.stack([window(voice), window(np.zeros(2 * RATE_HZ), voice)])
    together, alone = expert.embed(items), [expert.embed(item[None]) for item in items]
    np.testing.assert_array_equal(together.values, np.concatenate([one.values for one in alone]))
    np.testing.assert_array_equal(together.times_s, np.concatenate([one.times_s for one in alone]))


def test_loading_it_leaves_the_number_of_threads_of_other_networks_as_it_was():
    packaged_expert("speech_fast")
    before = torch.get_num_threads()
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            fast_speech.Expert(Params(), named("speech_fast").extractor.source).load("cpu")
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(before)


def test_the_detector_of_voice_is_part_of_the_recipe():
    weights = Expert(Params(), SEEDED).weights
    assert [name for name in weights if name.startswith("faster_whisper/assets/silero_vad")]


def test_the_files_of_a_model_on_the_hub_are_known():
    files = Expert(Params()).weight_files()
    assert {part: file.cached_as.rpartition("/")[2] for part, file in files.items()} == {
        "network": "model.bin",
        "config": "config.json",
        "tokenizer": "tokenizer.json",
        "vocabulary": "vocabulary.txt",
    }
    assert files["network"].cached_as == "Systran/faster-whisper-tiny.en/model.bin"


def heard(segments, **params):
    """What an expert keeps of these segments in 6 s of sound."""
    expert = seeded(fast_speech, **params)
    info = SimpleNamespace(language="en")
    expert._network = SimpleNamespace(transcribe=lambda audio, **settings: (iter(segments), info))
    return expert.embed(window(tone(6, 440, RATE_HZ))[None])


def segment(*words, compression_ratio=1.0):
    named = [SimpleNamespace(word=word, start=start, end=end, probability=0.5) for word, start, end in words]
    return SimpleNamespace(words=named, compression_ratio=compression_ratio)


def test_a_hyphenated_word_is_two_and_punctuation_is_none():
    found = heard([segment((" well-known,", 1.0, 2.0), (" –", 2.0, 2.5), (" place.", 2.5, 3.0))])
    assert found.extras["text"].tolist() == ["well", "known", "place"]
    np.testing.assert_allclose(found.times_s[:2, 0], [1.0, 1.0 + 4 / 9])  # by letters


def test_text_that_repeats_itself_is_dropped():
    looped = segment((" again", 0.0, 1.0), compression_ratio=2.5)
    assert heard([looped, segment((" once", 1.0, 2.0))]).extras["text"].tolist() == ["once"]
    assert heard([looped], max_compression=3.0).extras["text"].tolist() == ["again"]


def test_words_end_with_the_sound():
    found = heard([segment((" in", 5.0, 7.0), (" out", 6.5, 7.0))])
    assert found.extras["text"].tolist() == ["in"]
    assert found.times_s.tolist() == [[5.0, 6.0]]


def test_stand_ins_hear_words_where_it_is_not_silent():
    expert = seeded(fast_speech)
    found = expert.embed(np.stack([window(tone(3, 440, RATE_HZ)), window(np.zeros(1))]))
    assert found.item_index.tolist() == [0, 0, 0]


def test_a_device_that_cannot_compute_in_that_type_is_told():
    expert = packaged_expert("speech_fast")
    other = Expert(Params(compute_type="int8_float16"), expert.source)
    with pytest.raises(ExtractionError, match="no Whisper model of int8_float16 on cpu"):
        other.load("cpu")


@pytest.mark.parametrize("wrong", [{"network": "tiny"}, {"network": "../x"}, {"voice": 0.0}, {"beam_size": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Params(**wrong)
