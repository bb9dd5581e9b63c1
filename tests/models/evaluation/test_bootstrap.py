import numpy as np
import pytest
from scipy import stats

from models.evaluation.bootstrap import compare, interval, intervals, low_of_many
from models.evaluation.metrics import Ranks, summary


def untied(ranks):
    """For each of S seeds the ranks of N queries, of (S, N) ranks from 0 without ties; NaN: no right answer."""
    none = np.isnan(ranks)
    return [
        Ranks(np.where(missing, 0, of_seed).astype(int), np.zeros(len(of_seed), int), (~missing).astype(int))
        for of_seed, missing in zip(ranks, none, strict=True)
    ]


def test_the_interval_is_that_of_a_binomial_when_every_video_has_one_query():
    hits = np.arange(1000) < 300
    ranks = np.where(hits, 0.0, 20.0)[None]
    low, high = intervals(untied(ranks), np.arange(1000), 1000)["R@1"]
    expected = stats.binom.ppf([0.025, 0.975], 1000, 0.3) / 10
    assert [low, high] == pytest.approx(expected, abs=0.7)


def test_the_interval_is_that_of_scipys_bootstrap_over_the_videos():
    chance = np.random.default_rng(0)
    owners = np.repeat(np.arange(200), 3)
    hard = np.repeat(chance.integers(0, 2, 200), 3)
    ranks = (hard * chance.integers(1, 30, 600)).astype(float)[None]
    by_video = (ranks[0] < 5).reshape(200, 3).mean(1)
    theirs = stats.bootstrap((by_video,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert intervals(untied(ranks), owners, 200)["R@5"] == pytest.approx([100 * theirs.low, 100 * theirs.high], abs=1.0)


def test_the_interval_of_any_gain_is_that_of_scipys_bootstrap_and_of_the_recalls():
    gain = np.random.default_rng(2).normal(0.3, 1, 300)
    theirs = stats.bootstrap((gain,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert interval(gain, np.arange(300), 300) == pytest.approx([theirs.low, theirs.high], abs=0.02)
    ranks, owners = np.arange(60.0)[None] % 3, np.repeat(np.arange(20), 3)
    recall = intervals(untied(ranks), owners, 20)["R@1"]
    assert [100 * end for end in interval((ranks[0] < 1).astype(float), owners, 20)] == pytest.approx(recall)


def test_one_of_many_intervals_is_students_at_a_level_that_all_share():
    gain = np.random.default_rng(2).normal(0.3, 1, 40)
    for count in (1, 60):
        theirs = stats.ttest_1samp(gain, 0).confidence_interval(1 - 0.05 / count)
        assert low_of_many(gain, np.arange(40), 50, count) == pytest.approx(theirs.low)
    twice, owners = np.repeat(gain, 2), np.repeat(np.arange(40), 2)
    assert low_of_many(twice, owners, 40, 1) == pytest.approx(low_of_many(gain, np.arange(40), 40, 1))


def test_few_videos_that_gain_alike_make_nothing_sure():
    assert low_of_many(np.full(9, 0.5), np.arange(9), 9, 1) == 0
    assert low_of_many(np.append(np.full(8, 0.5), -0.25), np.arange(9), 9, 1) == -0.25
    assert low_of_many(np.full(10, 0.5), np.arange(10), 10, 1) == pytest.approx(0.5)


def test_captions_of_one_video_are_drawn_together_so_that_many_alike_tell_no_more_than_one():
    ranks = np.where(np.arange(100) < 40, 0.0, 50.0)
    one = intervals(untied(ranks[None]), np.arange(100), 100)
    many = intervals(untied(np.repeat(ranks, 20)[None]), np.repeat(np.arange(100), 20), 100)
    assert many["R@1"] == pytest.approx(one["R@1"])


def test_videos_without_a_query_take_no_part():
    ranks = np.array([[0.0, 3.0, np.nan, 0.0]])
    alone = intervals(untied(np.array([[0.0, 3.0, 0.0]])), np.arange(3), 3)
    assert intervals(untied(ranks), np.arange(4), 9) == alone


def test_equal_ranks_do_not_differ():
    ranks = np.random.default_rng(1).integers(0, 20, (2, 50)).astype(float)
    for difference in compare(untied(ranks), untied(ranks), np.arange(50), 50).values():
        assert (difference.mean, difference.low, difference.high, difference.p) == (0, 0, 0, 1)


def test_the_paired_test_is_scipys():
    chance = np.random.default_rng(2)
    one, other = (np.where(chance.random(120) < share, 0.0, 30.0)[None] for share in (0.3, 0.45))
    found = compare(untied(one), untied(other), np.arange(120), 120)["R@1"]
    gain = (other[0] == 0).astype(float) - (one[0] == 0)
    theirs = stats.permutation_test(
        (gain,), np.mean, permutation_type="samples", n_resamples=10_000, alternative="two-sided", rng=3
    )
    assert found.mean == pytest.approx(100 * gain.mean())
    assert found.p == pytest.approx(theirs.pvalue, abs=0.02)
    interval = stats.bootstrap((gain,), np.mean, method="percentile", rng=4).confidence_interval
    assert [found.low, found.high] == pytest.approx([100 * interval.low, 100 * interval.high], abs=1.5)


def test_seeds_are_averaged_before_the_videos_are_drawn():
    found, missed = np.zeros((1, 60)), np.full((1, 60), 9.0)
    both = np.concatenate([found, missed])
    assert intervals(untied(both), np.arange(60), 60)["R@1"] == pytest.approx([50, 50])
    assert compare(untied(both), untied(found), np.arange(60), 60)["R@1"].mean == pytest.approx(50)


def test_a_query_whose_answers_tie_counts_by_its_share_as_in_the_recalls():
    chance = np.random.default_rng(5)
    ranks = [Ranks(chance.integers(0, 4, 80), chance.integers(0, 9, 80), np.ones(80, int)) for _ in range(2)]
    found = compare(ranks[:1], ranks[1:], np.arange(80), 80)
    for name, difference in found.items():
        assert difference.mean == pytest.approx(summary(ranks[1])[name] - summary(ranks[0])[name])
    for name, (low, high) in intervals(ranks, np.arange(80), 80).items():
        assert low < np.mean([summary(of_seed)[name] for of_seed in ranks]) < high
