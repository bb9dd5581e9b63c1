import numpy as np
import pytest
import torch

from extractors import audio_transformer
from extractors.audio_transformer import Expert, Params, _feature_extractor, _only_classifier, _without_classifier
from extractors.labels.settings import LabelSettings
from pipeline.weights import seeded as seeded_weights
from pipeline.weights.catalog import hub_file
from pipeline.weights.files import WeightOptions, WeightSource
from tests.clips import tone
from tests.extractors.reference import seeded


def test_a_file_with_a_classifier_fits_the_body():
    names = {"audio_spectrogram_transformer.layernorm.weight": 1, "classifier.dense.weight": 2}
    assert _without_classifier(names) == {"layernorm.weight": 1}
    assert _only_classifier(names) == {"dense.weight": 2}


@pytest.mark.slow
def test_windows_become_rows_in_any_batch():
    torch.set_num_threads(1)
    expert = seeded(audio_transformer)
    sounds = np.stack([tone(10.24, hz, 16000) for hz in (300, 2000)])
    together = expert.embed(sounds).values
    assert together.shape == (2, 768)
    np.testing.assert_allclose(expert.embed(sounds[1:]).values[0], together[1], atol=1e-3)
    assert np.linalg.norm(together[0] - together[1]) > 0.01


@pytest.mark.slow
def test_labels_are_those_of_the_whole_network_of_transformers(tmp_path):
    from safetensors.torch import save_file
    from transformers import ASTConfig, ASTForAudioClassification

    torch.set_num_threads(1)
    whole = seeded_weights.fill(ASTForAudioClassification(ASTConfig(num_labels=527))).eval()
    file = hub_file("me/ast", "model.safetensors", size_mb=1, licence="")
    path = WeightOptions(tmp_path).path(file)
    path.parent.mkdir(parents=True)
    save_file(whole.state_dict(), path)
    expert = Expert(Params("me/ast"), WeightSource(WeightOptions(tmp_path), {"network": file}))
    expert.label_settings = LabelSettings("audioset", 527)
    expert.load("cpu")
    sounds = np.stack([tone(10.24, hz, 16000) for hz in (300, 2000)])
    kept = expert.embed(sounds)
    spectrograms = _feature_extractor()(list(sounds), sampling_rate=16000, return_tensors="pt")["input_values"]
    with torch.inference_mode():
        expected = whole(spectrograms).logits.sigmoid().numpy()
    found = np.zeros_like(expected)
    np.put_along_axis(found, kept.extras["labels"].astype(np.int64), kept.extras["label_scores"], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"hop_s": 0.0}, {"least_s": 0.0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Params(**wrong)
