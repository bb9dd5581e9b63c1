import numpy as np
import pytest

from benchmarks.stamps.searching import ranks
from models.evaluation.metrics import summary


def test_a_video_that_is_found_has_its_place_and_one_that_is_not_shares_the_rest():
    """Of 12 videos the search returns 2: a right one at the second place; another is one of ten in no order."""
    found = ranks([(["x", "right"], "right"), (["x", "y"], "right")], 12)
    assert summary(found.take(np.array([0])))["R@1"] == 0
    assert summary(found.take(np.array([0])))["R@5"] == 100
    assert summary(found.take(np.array([1])))["R@1"] == 0
    assert summary(found.take(np.array([1])))["R@5"] == pytest.approx(100 * 3 / 10)


def test_where_nothing_is_found_the_recall_is_chance():
    assert summary(ranks([([], "right")], 50))["R@10"] == pytest.approx(20)
