import numpy as np
import pytest

from benchmarks import fusion
from benchmarks.fusion_collection import made


@pytest.fixture(scope="module")
def none():
    return made(0, has_signal=False)


def test_the_best_fixed_weights_leave_out_a_channel_that_says_nothing(none):
    split = none["val"]
    split.rows[1] = np.random.default_rng(0).normal(size=split.rows[1].shape)
    split.rows[1] /= np.linalg.norm(split.rows[1], axis=1, keepdims=True)
    best = fusion.best_fixed(split)
    assert best[1] < 0.3 * best.max()
    examples = split.examples(np.ones(3))
    assert fusion.value(examples, best) >= fusion.value(examples, np.ones(3))


@pytest.fixture(scope="module")
def measured():
    return fusion.measured(made(0), lambda given: ({"ce": np.eye(700, 350, dtype=np.float32)}, {"told": list(given)}))


def test_a_seed_has_a_row_for_each_channel_and_fusion_and_the_scores_of_networks(measured):
    assert list(measured.ranks) == ["alone: speech", "alone: look", "alone: motion", "even", "fixed", "selector", "ce"]
    assert measured.facts["selector"]["used"] and measured.facts["told"] == ["train", "val", "test"]
    fixed, selected = (fusion.summary(measured.ranks[name])["R@1"] for name in ("fixed", "selector"))
    assert selected > fixed + 5
    assert 15 < measured.facts["helps"] < 40 and 25 < measured.facts["hurts"] < 45


def test_differences_are_of_all_captions_of_all_seeds_and_equal_ranks_are_counted(measured):
    told = fusion.pooled([measured, measured, measured])
    assert told["captions"] == 3 * 700
    difference = told["differences"]["selector - fixed"]["R@1"]
    gain = fusion.summary(measured.ranks["selector"])["R@1"] - fusion.summary(measured.ranks["fixed"])["R@1"]
    assert difference["mean"] == pytest.approx(gain)
    assert difference["low"] > 0
    assert told["equal"] == 0
