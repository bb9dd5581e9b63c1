import numpy as np
import pytest

from search.config import Fusion
from search.engines.fusion import Ranking, count, fuse


def test_ranks_are_added_with_the_weights_of_their_engines():
    rankings = {"ce": Ranking({7: 0.9, 8: 0.5}), "words": Ranking({8: 3.0})}
    fused = fuse(rankings, Fusion(1.0, {"ce": 1.0, "words": 2.0}))
    assert fused == {8: pytest.approx(1 / 3 + 2 / 2), 7: pytest.approx(1 / 2)}
    assert list(fused) == [8, 7]


def test_equal_scores_share_a_place():
    assert Ranking({1: 2.0, 2: 2.0, 3: 1.0}).ranks == {1: 1, 2: 1, 3: 3}


def test_what_answers_half_of_a_query_counts_half():
    fused = fuse({"words": Ranking({1: 5.0, 2: 5.0}, {1: 1.0, 2: 0.5})}, Fusion(0.0, {}))
    assert fused == {1: 1.0, 2: 0.5}


def test_an_engine_of_weight_zero_is_no_engine():
    assert fuse({"ce": Ranking({1: 0.9})}, Fusion(60.0, {"ce": 0.0})) == {}


def test_what_fits_is_counted_once_for_all_engines():
    fits = np.array([True, True, False, False, True])
    rankings = {"ce": Ranking({0: 0.9}, fits=fits), "words": Ranking({3: 2.0, 0: 1.0})}
    assert count(rankings, 5) == 4
    assert count({}, 5) == 0
