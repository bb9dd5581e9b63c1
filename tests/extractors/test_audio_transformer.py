import numpy as np
import pytest
import torch

from extractors import audio_transformer
from extractors.audio_transformer import Params, _without_classifier
from tests.clips import tone
from tests.extractors.reference import seeded


def test_a_file_with_a_classifier_fits_the_body():
    names = {"audio_spectrogram_transformer.layernorm.weight": 1, "classifier.dense.weight": 2}
    assert _without_classifier(names) == {"layernorm.weight": 1}


@pytest.mark.slow
def test_windows_become_rows_in_any_batch():
    torch.set_num_threads(1)
    expert = seeded(audio_transformer)
    sounds = np.stack([tone(10.24, hz, 16000) for hz in (300, 2000)])
    together = expert.embed(sounds).values
    assert together.shape == (2, 768)
    np.testing.assert_allclose(expert.embed(sounds[1:]).values[0], together[1], atol=1e-3)
    assert np.linalg.norm(together[0] - together[1]) > 0.01


@pytest.mark.parametrize("wrong", [{"hop_s": 0.0}, {"least_s": 0.0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Params(**wrong)
