import numpy as np
import pytest

from models.metrics import caption_ranks, summary
from models.querybank import normalise
from tests.models import cases

SETTINGS = {"k1_beta20.000": (20.0, 1), "k3_beta20.000": (20.0, 3), "k1_beta0.503": (1 / 1.99, 1)}


@pytest.mark.parametrize("name", SETTINGS)
def test_normalised_scores_and_their_metrics_are_those_of_the_original(name):
    case = cases.load("qbnorm_cases.npz")
    beta, top = SETTINGS[name]
    ours = normalise(case.arrays["test_sims"], case.arrays["querybank_sims"], beta, top)
    np.testing.assert_allclose(ours, case.arrays[name], rtol=1e-5)
    found = summary(caption_ranks(ours, np.repeat(np.arange(30), 2)))
    for key, theirs in {"R@1": "R1", "R@5": "R5", "R@10": "R10", "MdR": "MedR", "MnR": "MeanR"}.items():
        assert found[key] == pytest.approx(case.meta[name][theirs]), key


def test_scores_are_left_alone_when_the_bank_is_drawn_to_other_videos():
    scores = np.array([[0.9, 0.1, 0.2], [0.3, 0.8, 0.1]])
    bank = np.array([[0.0, 0.1, 0.9], [0.2, 0.1, 0.7]])
    np.testing.assert_array_equal(normalise(scores, bank), scores)


def test_a_large_beta_does_not_overflow():
    chance = np.random.default_rng(0)
    result = normalise(chance.random((5, 4)) * 10, chance.random((9, 4)) * 10, beta=50.0)
    assert np.isfinite(result).all()
