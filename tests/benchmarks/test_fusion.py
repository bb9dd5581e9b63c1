import numpy as np
import pytest

from benchmarks import fusion
from benchmarks.fusion_collection import made


@pytest.fixture(scope="module")
def measured():
    return fusion.measured(made(0), lambda given: ({"ce": np.eye(700, 350, dtype=np.float32)}, {"told": list(given)}))


def test_a_seed_has_a_row_for_each_channel_and_fusion_and_the_scores_of_networks(measured):
    assert list(measured.ranks) == ["alone: speech", "alone: look", "alone: motion", "even", "fixed", "selector", "ce"]
    assert measured.facts["selector"]["used"] and measured.facts["told"] == ["train", "val", "test"]
    fixed, selected = (fusion.summary(measured.ranks[name])["R@1"] for name in ("fixed", "selector"))
    assert selected > fixed + 5
    assert 15 < measured.facts["helps"] < 40 and 25 < measured.facts["hurts"] < 45


def test_the_start_of_a_residual_network_is_no_worse_than_even_weights(measured):
    start = fusion.summary(fusion.caption_ranks(fusion.untrained(made(0)), measured.owners))
    assert start["R@1"] > fusion.summary(measured.ranks["even"])["R@1"] + 5


def test_differences_are_of_all_captions_of_all_seeds_and_equal_ranks_are_counted(measured):
    told = fusion.pooled([measured, measured, measured])
    assert told["captions"] == 3 * 700
    difference = told["differences"]["selector - fixed"]["R@1"]
    gain = fusion.summary(measured.ranks["selector"])["R@1"] - fusion.summary(measured.ranks["fixed"])["R@1"]
    assert difference["mean"] == pytest.approx(gain)
    assert difference["low"] > 0
    assert told["equal"] == 0
