import numpy as np
import pytest

from benchmarks.gpu.experts import expert_called
from benchmarks.gpu.stand_ins import TOKENS, take_real_time
from extractors.networks import whisper_decoding


@pytest.mark.slow
def test_whispers_stand_ins_end_the_text_as_early_as_real_ones(monkeypatch):
    expert = expert_called("speech")
    expert.extractor.load("cpu")
    lengths, real = [], whisper_decoding.decode

    def counted(*told):
        results = real(*told)
        lengths.extend(len(result.tokens) for result in results)
        return results

    monkeypatch.setattr(whisper_decoding, "decode", counted)
    sound = np.random.default_rng(0).normal(0, 0.1, (2, 480000)).astype(np.float32)
    for _ in range(2):
        take_real_time(expert)
        expert.extractor.embed(sound)
    assert len(lengths) == 4
    assert all(TOKENS - 10 <= length <= TOKENS for length in lengths), "three tokens begin the text and are not in it"


@pytest.mark.slow
def test_easyocrs_stand_ins_find_no_text():
    expert = expert_called("ocr")
    expert.extractor.load("cpu")
    frames = np.random.default_rng(0).integers(0, 256, (1, 96, 128, 3), np.uint8)
    take_real_time(expert)
    assert len(expert.extractor.embed(frames).values) == 0


def test_the_other_stand_ins_are_left_as_they_are():
    expert = expert_called("rgb_light")
    before = dict(vars(expert.extractor))
    take_real_time(expert)
    assert vars(expert.extractor) == before
