import json

import numpy as np
import pytest
from sklearn.linear_model import Ridge as Theirs
from sklearn.preprocessing import StandardScaler

from models.fusion.selector import Selector, Settings, alone, blended, ridges
from models.fusion.shape import shape
from tests.models.fusion import planted


def test_the_ridge_regression_is_that_of_scikit_learn():
    chance = np.random.default_rng(0)
    features, targets = chance.normal(2, 3, (80, 7)), chance.random((80, 2))
    for penalty, ours in ridges(features, targets, [0.1, 1.0]).items():
        scaler = StandardScaler().fit(features)
        theirs = Theirs(alpha=penalty * 80).fit(scaler.transform(features), targets)
        assert ours.predict(features) == pytest.approx(theirs.predict(scaler.transform(features)), abs=1e-9)


def test_predictions_are_calibrated_in_the_mean_and_a_constant_feature_says_nothing():
    chance = np.random.default_rng(0)
    features, targets = chance.normal(size=(50, 4)), chance.random((50, 3))
    features[:, 2] = 7
    (ridge,) = ridges(features, targets, [0.3]).values()
    assert ridge.predict(features).mean(0) == pytest.approx(targets.mean(0))
    assert np.isfinite(ridge.coefficients).all()


def test_the_weights_are_the_base_and_the_softmax_in_their_shares():
    predictions, base = np.array([[0.2, 0.6, 0.4]]), np.array([[1.0, 1.0, 2.0]])
    has_list = np.ones((1, 3), bool)
    expected = np.exp(predictions / 0.1) / np.exp(predictions / 0.1).sum()
    found = blended(predictions, base, has_list, Settings(0.1, 0.25, 0.1))
    assert found == pytest.approx(0.75 * base / 4 + 0.25 * expected)
    assert blended(predictions, base, has_list, Settings(0.1, 0.0, 0.1)) == pytest.approx(base / 4)


def test_an_engine_without_a_list_gets_nothing_and_the_others_all():
    has_list = np.array([[True, False, True], [False, False, False]])
    found = blended(np.ones((2, 3)), np.ones((2, 3)), has_list, Settings(0.1, 0.5, 0.1))
    assert found[0] == pytest.approx([0.5, 0, 0.5])
    assert found[1].tolist() == [0, 0, 0]


def test_the_targets_are_what_each_engine_finds_alone():
    made = planted.examples(30)
    for engine in range(planted.ENGINES):
        scores = made.lists.scores[:, engine]
        ranks = 1 + (scores > scores[np.arange(30), made.right][:, None]).sum(1)
        assert alone(made)[:, engine] == pytest.approx(1 / ranks)


def test_a_selector_is_the_same_after_it_was_written_as_json():
    made = planted.examples(40)
    features = shape(made.lists)
    selector = Selector(ridges(features, alone(made), [0.3])[0.3], Settings(0.3, 0.7, 0.1))
    read = Selector.parse(json.loads(json.dumps(selector.plain())))
    assert np.array_equal(read.weights(made.lists, made.base), selector.weights(made.lists, made.base))
