import numpy as np
import pytest
from scipy import special, stats

from models.fusion.lists import Lists
from models.fusion.shape import PER_ENGINE, shape

NAN = np.nan


def read(scores, num_videos=None, query=0):
    """Engine -> what is read of it."""
    scores = np.asarray(scores, np.float32)
    found = shape(Lists(scores, scores, num_videos or scores.shape[2], True))
    return [dict(zip(PER_ENGINE, row, strict=True)) for row in found[query].reshape(scores.shape[1], -1)]


def test_margin_entropy_and_spread_are_those_of_scipy():
    scores = np.random.default_rng(1).normal(2, 3, 50).astype(np.float32)
    (one,) = read(scores[None, None], num_videos=100)
    z = np.sort(stats.zscore(scores.astype(np.float64)))[::-1]
    assert one["best score"] == scores.max()
    assert one["best in deviations"] == pytest.approx(z[0])
    assert one["margin to the second"] == pytest.approx(z[0] - z[1])
    assert one["margin to the tenth"] == pytest.approx(z[0] - z[9])
    assert one["entropy"] == pytest.approx(stats.entropy(special.softmax(z[:10]), base=10))
    assert one["spread"] == pytest.approx(np.std(scores.astype(np.float64)))
    assert one["missing"] == 0.5


def test_support_is_how_high_the_others_have_the_first_and_overlap_the_share_of_common_tops():
    up = np.arange(40.0)
    first, second = read([[up, up[::-1]]])
    low = stats.zscore(up)[0]
    assert first["support"] == pytest.approx(low) and second["support"] == pytest.approx(low)
    assert first["overlap"] == second["overlap"] == 0
    first, second, _ = read([[up, up * 2 + 1, up[::-1]]])
    assert first["overlap"] == second["overlap"] == pytest.approx(0.5)
    assert first["support"] == pytest.approx((stats.zscore(up)[-1] + low) / 2)


def test_an_engine_that_says_nothing_is_all_zeros_and_leaves_the_others_alone():
    scores = np.random.default_rng(2).normal(size=20)
    silent, speaking = read([[np.full(20, NAN), scores]])
    assert set(silent.values()) == {0.0}
    (alone,) = read([[scores]])
    assert speaking == pytest.approx(alone)


@pytest.mark.parametrize("scores", [[[[1.0]]], [[[2.0, 2.0, 2.0]]], [[[NAN, 5.0]]]])
def test_short_and_equal_lists_give_numbers(scores):
    (one,) = read(scores)
    assert np.isfinite(list(one.values())).all()
    assert one["margin to the second"] == one["margin to the tenth"] == 0


def test_queries_do_not_depend_on_one_another(monkeypatch):
    scores = np.random.default_rng(3).normal(size=(9, 2, 30)).astype(np.float32)
    whole = shape(Lists(scores, scores, 30, True))
    monkeypatch.setattr("models.fusion.lists.CHUNK_ENTRIES", 1)
    assert np.allclose(shape(Lists(scores, scores, 30, True)), whole, atol=1e-12)
    assert shape(Lists(scores[:0], scores[:0], 30, True)).shape == (0, 2 * len(PER_ENGINE))
