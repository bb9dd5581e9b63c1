import numpy as np
import pytest
from scipy.special import softmax

from models.evaluation import querybank
from models.evaluation.metrics import caption_ranks, released_summary, summary
from models.evaluation.querybank import dual_softmax, normalise
from tests.models import reference_cases

SETTINGS = {"k1_beta20.000": (20.0, 1), "k3_beta20.000": (20.0, 3), "k1_beta0.503": (1 / 1.99, 1)}


@pytest.mark.parametrize("name", SETTINGS)
def test_normalised_scores_and_their_metrics_are_those_of_the_original(name):
    case = reference_cases.load("qbnorm_cases.npz")
    beta, top = SETTINGS[name]
    ours = normalise(case.arrays["test_sims"], case.arrays["querybank_sims"], beta, top)
    np.testing.assert_allclose(ours, case.arrays[name], rtol=1e-5)
    found = released_summary(caption_ranks(ours, np.repeat(np.arange(30), 2)))
    for key, theirs in {"R@1": "R1", "R@5": "R5", "R@10": "R10", "MdR": "MedR", "MnR": "MeanR"}.items():
        assert found[key] == pytest.approx(case.meta[name][theirs]), key


def test_scores_are_left_alone_when_the_bank_is_drawn_to_other_videos():
    scores = np.array([[0.9, 0.1, 0.2], [0.3, 0.8, 0.1]])
    bank = np.array([[0.0, 0.1, 0.9], [0.2, 0.1, 0.7]])
    np.testing.assert_array_equal(normalise(scores, bank), scores)


@pytest.mark.parametrize("top", [1, 2])
def test_where_scores_are_equal_the_order_of_the_videos_decides_nothing(top):
    chance = np.random.default_rng(2)
    for _ in range(20):
        scores, bank = (chance.integers(0, 3, (number, 6)).astype(float) for number in (7, 3))
        order = chance.permutation(6)
        shuffled = normalise(scores[:, order], bank[:, order], top=top)
        np.testing.assert_allclose(shuffled, normalise(scores, bank, top=top)[:, order])


def test_a_large_beta_does_not_overflow():
    chance = np.random.default_rng(0)
    result = normalise(chance.random((5, 4)) * 10, chance.random((9, 4)) * 10, beta=50.0)
    assert np.isfinite(result).all()


def test_the_dual_softmax_is_that_of_scipy(monkeypatch):
    scores = np.random.default_rng(1).normal(size=(11, 7))
    expected = np.log(softmax(5 * scores, axis=0) * softmax(5 * scores, axis=1))
    np.testing.assert_allclose(dual_softmax(scores, 5.0), expected)
    monkeypatch.setattr(querybank, "CHUNK", 2)
    np.testing.assert_allclose(dual_softmax(scores, 5.0), expected)


def test_a_video_that_comes_up_for_every_query_loses_by_both():
    """Video 0 is near every caption; both ways find that the others are nearer to their own than usual."""
    scores = np.full((4, 4), 0.1, np.float32) + 0.3 * np.eye(4, dtype=np.float32)
    scores[:, 0] += 0.35
    owners = np.arange(4)
    assert summary(caption_ranks(scores, owners))["R@1"] == 25
    for better in (normalise(scores, scores - 0.01), dual_softmax(scores)):
        assert better.dtype == np.float32
        assert summary(caption_ranks(better, owners))["R@1"] == 100
