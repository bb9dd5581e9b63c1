import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom, rankdata
from sklearn.metrics import top_k_accuracy_score

from models.evaluation import metrics
from models.evaluation.metrics import (
    Ranks,
    caption_ranks,
    each_caption_ranks,
    over_seeds,
    released_summary,
    same_caption_ranks,
    summary,
    video_ranks,
)
from pipeline.errors import TrainingError
from tests.models import reference_cases

NAMES = ["square_random", "square_ties_quantised", "all_equal", "multicap4", "multicap4_masked", "msrvtt_like_20cap"]
THEIRS = {"R1": "R@1", "R5": "R@5", "R10": "R@10", "R50": "R@50", "MedR": "MdR", "MeanR": "MnR"}


@pytest.mark.parametrize("name", NAMES)
def test_both_directions_are_those_of_the_original(name):
    case = reference_cases.load("metrics_cases.npz")
    scores, masks = case.arrays[f"{name}/sims"], case.arrays.get(f"{name}/query_masks")
    captions = np.repeat(np.arange(scores.shape[1]), len(scores) // scores.shape[1])
    real = np.ones(len(scores), bool) if masks is None else masks.reshape(-1).astype(bool)
    _assert_same(released_summary(caption_ranks(scores[real], captions[real])), case.meta[name]["t2v"])
    _assert_same(released_summary(video_ranks(scores[real], captions[real])), case.meta[name]["v2t"])


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 12), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_middle_ranks_are_scipys_average_ranks(seed, num_videos, num_captions, levels):
    scores, captions = _with_ties(seed, num_videos, num_captions, levels)
    expected = [rankdata(-row)[video] - 1 for row, video in zip(scores, captions, strict=True)]
    np.testing.assert_array_equal(caption_ranks(scores, captions).middle, expected)
    np.testing.assert_array_equal(caption_ranks(scores, captions).mean, expected)
    by_column = np.array([rankdata(-column) - 1 for column in scores.T]).T
    expected = [
        by_column[captions == video, video].min() if (captions == video).any() else np.nan
        for video in range(num_videos)
    ]
    np.testing.assert_array_equal(video_ranks(scores, captions).middle, expected)


def test_chunks_give_what_one_piece_gives(monkeypatch):
    chance = np.random.default_rng(1)
    scores, captions = chance.integers(0, 9, (50, 11)).astype(np.float32), chance.integers(0, 11, 50)
    whole = caption_ranks(scores, captions), video_ranks(scores, captions)
    monkeypatch.setattr(metrics, "CHUNK_ENTRIES", 40)
    _assert_equal(caption_ranks(scores, captions), whole[0])
    _assert_equal(video_ranks(scores, captions), whole[1])


def test_more_equal_scores_in_a_column_than_a_byte_counts_are_all_counted():
    captions = np.arange(1000) % 2
    found = video_ranks(np.zeros((1000, 2), np.float32), captions)
    assert found.right.tolist() == found.wrong.tolist() == [500, 500]
    scores = np.repeat(np.float32([[0, 1]]), 1000, axis=0)
    scores[0, 0] = -1
    assert each_caption_ranks(scores, captions).above[0] == 999


def test_memory_beside_the_scores_stays_small():
    scores = np.random.default_rng(2).random((8000, 2990), np.float32)
    captions = np.arange(8000) % 2990
    tracemalloc.start()
    caption_ranks(scores, captions)
    video_ranks(scores, captions)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < scores.nbytes / 100


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_every_metric_is_its_mean_over_all_orders_of_equal_scores(seed, levels):
    """By trying all orders, of the videos of a caption and of the captions of a video."""
    chance = np.random.default_rng(seed)
    scores, captions = chance.integers(0, levels, (5, 4)).astype(np.float32), chance.integers(0, 4, 5)
    texts = [f"text {number}" for number in chance.integers(0, 3, 5)]
    bears = [{int(captions[other]) for other in range(5) if texts[other] == text} for text in texts]
    own = [set(np.flatnonzero(captions == video).tolist()) for video in range(4)]
    asked = {
        caption_ranks: [(scores[caption], {int(captions[caption])}) for caption in range(5)],
        same_caption_ranks: [(scores[caption], bears[caption]) for caption in range(5)],
        video_ranks: [(scores[:, video], own[video]) for video in range(4)],
        each_caption_ranks: [(scores[:, captions[caption]], {caption}) for caption in range(5)],
    }
    for function, queries in asked.items():
        found = function(scores, captions, *([texts] if function is same_caption_ranks else []))
        places = [_first_places(*query) for query in queries]
        np.testing.assert_allclose(found.mean, [np.mean(of_query) for of_query in places])
        for k in range(1, 7):
            expected = [np.mean(np.where(np.isnan(of_query), np.nan, of_query < k)) for of_query in places]
            np.testing.assert_allclose(found.hits(k), expected, atol=1e-12)


def _first_places(scores, right):
    """The place of the first right answer in every order of the answers that their scores allow; NaN if none is."""
    if not right:
        return np.array(np.nan)
    orders = itertools.permutations(range(len(scores)))
    allowed = [order for order in orders if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))]
    return np.array([min(order.index(answer) for answer in right) for order in allowed])


@pytest.mark.parametrize("num_videos", [9, 15, 60])
def test_scores_that_say_nothing_give_chance_whatever_their_order(num_videos):
    scores, captions = np.zeros((3 * num_videos, num_videos), np.float32), np.arange(3 * num_videos) % num_videos
    found = summary(caption_ranks(scores, captions))
    assert found["MdR"] == found["MnR"] == (num_videos + 1) / 2
    each, any_own = summary(each_caption_ranks(scores, captions)), summary(video_ranks(scores, captions))
    for k in (1, 5, 10, 50):
        assert found[f"R@{k}"] == pytest.approx(100 * min(1, k / num_videos))
        assert each[f"R@{k}"] == pytest.approx(100 * min(1, k / (3 * num_videos)))
        drawn = hypergeom(3 * num_videos, 3, min(k, 3 * num_videos))
        assert any_own[f"R@{k}"] == pytest.approx(100 * drawn.sf(0)), "one of three captions among the first k drawn"


def test_scores_that_say_nothing_are_told_apart_from_chance_only_as_the_authors_count():
    ranks = caption_ranks(np.zeros((18, 9), np.float32), np.arange(18) % 9)
    assert [released_summary(ranks)[f"R@{k}"] for k in (1, 5, 10)] == [0, 100, 100]
    assert [summary(ranks)[f"R@{k}"] for k in (1, 5, 10)] == pytest.approx([100 / 9, 500 / 9, 100])


def test_both_counts_of_ties_agree_where_there_are_none():
    chance = np.random.default_rng(4)
    scores, captions = chance.permutation(30 * 20).reshape(30, 20).astype(np.float32), chance.integers(0, 20, 30)
    for ranks in (caption_ranks(scores, captions), video_ranks(scores, captions)):
        assert released_summary(ranks) == summary(ranks)


def test_a_hundred_answers_that_tie_are_counted_by_the_hypergeometric_distribution():
    ranks = Ranks(np.array([0, 4, 30, 49, 50]), np.array([80, 70, 90, 5, 5]), np.array([20, 30, 10, 5, 5]))
    for k in (1, 5, 10, 50):
        inside = [min(max(k - above, 0), tied) for above, tied in zip(ranks.above, ranks.equal, strict=True)]
        expected = [hypergeom(*of).sf(0) for of in zip(ranks.equal, ranks.right, inside, strict=True)]
        np.testing.assert_allclose(ranks.hits(k), expected, atol=1e-12)


def test_a_perfect_ranking_is_all_hits():
    scores = np.eye(60, dtype=np.float32)
    for ranks in (caption_ranks(scores, np.arange(60)), video_ranks(scores, np.arange(60))):
        perfect = {"R@1": 100, "R@5": 100, "R@10": 100, "R@50": 100, "MdR": 1, "MnR": 1, "geometric_mean": 100}
        assert summary(ranks) == pytest.approx(perfect)


def test_a_score_that_is_no_number_is_an_error_that_says_where():
    scores = np.zeros((4, 3), np.float32)
    scores[2, 1] = np.nan
    for ranks in (caption_ranks, video_ranks):
        with pytest.raises(TrainingError, match="caption 2 and video 1 is not a number"):
            ranks(scores, np.arange(4) % 3)


def test_scores_and_captions_must_fit():
    with pytest.raises(TrainingError, match="4 captions"):
        caption_ranks(np.zeros((3, 2), np.float32), np.zeros(4, np.int64))


def test_nothing_to_evaluate_is_an_error():
    with pytest.raises(TrainingError, match="no caption"):
        summary(video_ranks(np.zeros((0, 1), np.float32), np.zeros(0, np.int64)))


def test_the_spread_over_seeds_is_the_sample_deviation():
    several = over_seeds([{"R@1": 1.0}, {"R@1": 2.0}, {"R@1": 6.0}])
    assert several == {"R@1": {"mean": 3.0, "std": pytest.approx(7**0.5), "seeds": [1.0, 2.0, 6.0]}}
    assert over_seeds([{"R@1": 4.0}]) == {"R@1": {"mean": 4.0, "std": 0.0, "seeds": [4.0]}}


@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 12), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_each_caption_is_ranked_among_all_captions_as_scipy_does(seed, num_videos, num_captions, levels):
    scores, captions = _with_ties(seed, num_videos, num_captions, levels)
    expected = [rankdata(-scores[:, video])[caption] - 1 for caption, video in enumerate(captions)]
    np.testing.assert_array_equal(each_caption_ranks(scores, captions).mean, expected)


def test_of_several_captions_of_a_video_only_one_comes_first_when_each_is_on_its_own():
    scores = np.repeat(np.eye(6, dtype=np.float32), 4, axis=0) + np.arange(24, dtype=np.float32)[:, None] / 100
    captions = np.repeat(np.arange(6), 4)
    assert summary(video_ranks(scores, captions))["R@1"] == 100
    assert summary(each_caption_ranks(scores, captions))["R@1"] == 25


def test_captions_that_no_other_video_bears_are_ranked_as_ever():
    chance = np.random.default_rng(5)
    scores, captions = chance.integers(0, 4, (30, 9)).astype(np.float32), chance.integers(0, 9, 30)
    texts = [f"caption {number}" for number in range(30)]
    _assert_equal(same_caption_ranks(scores, captions, texts), caption_ranks(scores, captions))
    of_one_video = [f"of {video}" for video in captions]
    _assert_equal(same_caption_ranks(scores, captions, of_one_video), caption_ranks(scores, captions))


def test_recalls_are_those_of_scikit_learn_where_nothing_is_tied():
    """An implementation that knows nothing of ours; each caption is a sample, its video the class."""
    chance = np.random.default_rng(3)
    scores = chance.permutation(60 * 40).reshape(60, 40).astype(np.float32)
    captions = chance.permutation(np.concatenate([np.arange(40), chance.integers(0, 40, 20)]))
    found = summary(caption_ranks(scores, captions))
    for k in (1, 5, 10):
        theirs = top_k_accuracy_score(captions, scores, k=k, labels=np.arange(40))
        assert found[f"R@{k}"] == pytest.approx(100 * theirs)
    back = summary(each_caption_ranks(scores, captions))
    for k in (1, 5, 10):
        theirs = top_k_accuracy_score(np.arange(60), scores[:, captions].T, k=k, labels=np.arange(60))
        assert back[f"R@{k}"] == pytest.approx(100 * theirs)


def _with_ties(seed, num_videos, num_captions, levels):
    """Scores of a few different values, and the video of each caption."""
    chance = np.random.default_rng(seed)
    scores = chance.integers(0, levels, (num_captions, num_videos)).astype(np.float32)
    return scores, chance.integers(0, num_videos, num_captions)


def _assert_equal(one, other):
    for ours, theirs in zip(vars(one).values(), vars(other).values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def _assert_same(ours, theirs):
    for their_name, name in THEIRS.items():
        assert ours[name] == pytest.approx(theirs[their_name], abs=1e-9), name
    assert ours["geometric_mean"] == pytest.approx(theirs["geometric_mean_R1-R5-R10"], abs=1e-9)
