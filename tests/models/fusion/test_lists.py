import numpy as np
import pytest

from models.fusion.lists import Examples, Lists
from tests.models.fusion import planted

NAN = np.nan


def lists(averaged=True):
    scores = np.array([[[0.5, 0.1, NAN, NAN], [0.2, NAN, 0.4, NAN]]], np.float32)
    return Lists(scores, np.nan_to_num(scores, nan=9.0) * 2, 4, averaged)


def test_a_mean_is_over_the_engines_that_know_the_video_and_a_sum_over_all():
    weights = np.array([[3.0, 1.0]])
    assert lists().fused(weights)[0] == pytest.approx([(3 * 1.0 + 0.4) / 4, 0.2, 0.8, -np.inf])
    assert lists(averaged=False).fused(weights)[0] == pytest.approx([3.4, 0.6, 0.8, -np.inf])


def test_a_video_of_an_engine_without_weight_alone_scores_nothing():
    assert lists().fused(np.array([[1.0, 0.0]]))[0][2] == 0.0


def test_what_is_found_is_one_over_the_rank_with_ties_in_their_middle():
    scores = np.array([[[3, 2, 2, 1]], [[3, 2, 2, 1]], [[1, 1, 1, 1]], [[1, 2, 3, 4]]], np.float32)
    made = Examples(Lists(scores, scores, 4, True), np.ones((4, 1)), np.array([0, 1, 2, -1]), np.arange(4))
    assert made.found(made.base) == pytest.approx([1, 1 / 2.5, 1 / 2.5, 0])


def test_pieces_give_what_the_whole_gives(monkeypatch):
    made = planted.examples(23)
    whole = made.found(made.base)
    monkeypatch.setattr("models.fusion.lists.CHUNK_ENTRIES", 5 * planted.ENGINES * planted.VIDEOS)
    assert np.array_equal(made.found(made.base), whole)
    some = made.take(np.array([4, 2]))
    assert np.array_equal(some.found(some.base), whole[[4, 2]])


def test_an_engine_without_a_score_has_no_list():
    scores = np.array([[[1.0, NAN], [NAN, NAN]]], np.float32)
    assert Lists(scores, scores, 2, True).has_list.tolist() == [[True, False]]
