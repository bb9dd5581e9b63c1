import numpy as np
import pytest
import torch

from models.evaluation import evaluate as module
from models.evaluation.evaluate import similarities
from models.networks.ce import CE
from tests.models.synthetic import SETTINGS, synthetic_split


@pytest.fixture(scope="module")
def model():
    split = synthetic_split(4, 0)
    torch.manual_seed(0)
    return CE(split.experts, split.text, SETTINGS.architecture)


def test_scores_are_those_of_one_caption_and_one_video_at_a_time(model):
    split = synthetic_split(7, 1)
    scores = similarities(model, split)
    assert scores.shape == (len(split.tokens), 7)
    assert scores.dtype == np.float32
    for caption in (0, 3):
        for video in (0, 6):
            single = similarities(model, _only(split, caption, video))
            assert single[0, 0] == pytest.approx(scores[caption, video], abs=1e-6)


def test_chunks_give_what_one_piece_gives(model, monkeypatch):
    split = synthetic_split(11, 2)
    whole = similarities(model, split)
    monkeypatch.setattr(module, "CHUNK", 4)
    np.testing.assert_allclose(similarities(model, split), whole, rtol=0, atol=1e-6)


def test_scoring_leaves_the_mode_and_the_statistics_of_the_model_alone(model):
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for training in (True, False):
        model.train(training)
        similarities(model, synthetic_split(5, 3))
        assert model.training == training
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


def _only(split, caption, video):
    features = {name: rows.take([video]) for name, rows in split.features.items()}
    tokens = split.tokens.take([caption])
    return type(split)(split.experts, split.text, features, tokens, np.zeros(1, np.int64))
