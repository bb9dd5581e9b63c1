import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import top_k_accuracy_score

from models.evaluation import metrics
from models.evaluation.metrics import (
    caption_ranks,
    each_caption_ranks,
    over_seeds,
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
    _assert_same(summary(caption_ranks(scores[real], captions[real])), case.meta[name]["t2v"])
    _assert_same(summary(video_ranks(scores[real], captions[real])), case.meta[name]["v2t"])


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 12), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_ranks_are_scipys_average_ranks(seed, num_videos, num_captions, levels):
    scores, captions = _with_ties(seed, num_videos, num_captions, levels)
    expected = [rankdata(-row)[video] - 1 for row, video in zip(scores, captions, strict=True)]
    np.testing.assert_array_equal(caption_ranks(scores, captions), expected)
    by_column = np.array([rankdata(-column) - 1 for column in scores.T]).T
    expected = [
        by_column[captions == video, video].min() if (captions == video).any() else np.nan
        for video in range(num_videos)
    ]
    np.testing.assert_array_equal(video_ranks(scores, captions), expected)


def test_chunks_give_what_one_piece_gives(monkeypatch):
    chance = np.random.default_rng(1)
    scores, captions = chance.integers(0, 9, (50, 11)).astype(np.float32), chance.integers(0, 11, 50)
    whole = caption_ranks(scores, captions), video_ranks(scores, captions)
    monkeypatch.setattr(metrics, "CHUNK_ENTRIES", 40)
    np.testing.assert_array_equal(caption_ranks(scores, captions), whole[0])
    np.testing.assert_array_equal(video_ranks(scores, captions), whole[1])


def test_memory_beside_the_scores_stays_small():
    scores = np.random.default_rng(2).random((8000, 2990), np.float32)
    captions = np.arange(8000) % 2990
    tracemalloc.start()
    caption_ranks(scores, captions)
    video_ranks(scores, captions)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * metrics.CHUNK_ENTRIES, "bytes, of which a comparison needs one an entry"


def test_scores_that_say_nothing_give_chance_whatever_their_order():
    found = summary(caption_ranks(np.zeros((30, 15), np.float32), np.arange(30) % 15))
    assert found["MdR"] == found["MnR"] == 8
    assert found["R@1"] == found["R@5"] == 0
    assert found["R@10"] == 100


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
        summary(np.array([np.nan]))


def test_the_spread_over_seeds_is_the_sample_deviation():
    several = over_seeds([{"R@1": 1.0}, {"R@1": 2.0}, {"R@1": 6.0}])
    assert several == {"R@1": {"mean": 3.0, "std": pytest.approx(7**0.5), "seeds": [1.0, 2.0, 6.0]}}
    assert over_seeds([{"R@1": 4.0}]) == {"R@1": {"mean": 4.0, "std": 0.0, "seeds": [4.0]}}


@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 12), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_each_caption_is_ranked_among_all_captions_as_scipy_does(seed, num_videos, num_captions, levels):
    scores, captions = _with_ties(seed, num_videos, num_captions, levels)
    expected = [rankdata(-scores[:, video])[caption] - 1 for caption, video in enumerate(captions)]
    np.testing.assert_array_equal(each_caption_ranks(scores, captions), expected)


def test_of_several_captions_of_a_video_only_one_comes_first_when_each_is_on_its_own():
    scores = np.repeat(np.eye(6, dtype=np.float32), 4, axis=0) + np.arange(24, dtype=np.float32)[:, None] / 100
    captions = np.repeat(np.arange(6), 4)
    assert summary(video_ranks(scores, captions))["R@1"] == 100
    assert summary(each_caption_ranks(scores, captions))["R@1"] == 25


def test_captions_that_no_other_video_bears_are_ranked_as_ever():
    chance = np.random.default_rng(5)
    scores, captions = chance.integers(0, 4, (30, 9)).astype(np.float32), chance.integers(0, 9, 30)
    texts = [f"caption {number}" for number in range(30)]
    np.testing.assert_array_equal(same_caption_ranks(scores, captions, texts), caption_ranks(scores, captions))
    of_one_video = [f"of {video}" for video in captions]
    np.testing.assert_array_equal(same_caption_ranks(scores, captions, of_one_video), caption_ranks(scores, captions))


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@settings(deadline=None, max_examples=30)
def test_any_video_with_the_same_caption_counts_and_ties_give_the_expected_first_place(seed, levels):
    chance = np.random.default_rng(seed)
    scores, captions = chance.integers(0, levels, (12, 5)).astype(np.float32), chance.integers(0, 5, 12)
    texts = [f"text {number}" for number in chance.integers(0, 3, 12)]
    expected = []
    for caption, text in enumerate(texts):
        right = {int(captions[other]) for other in range(12) if texts[other] == text}
        # All orders of equal scores are equally likely: the mean place of the first right video over all of them.
        places = [
            next(place for place, video in enumerate(order) if video in right)
            for order in itertools.permutations(range(5))
            if all(scores[caption, a] >= scores[caption, b] for a, b in itertools.pairwise(order))
        ]
        expected.append(np.mean(places))
    np.testing.assert_allclose(same_caption_ranks(scores, captions, texts), expected)


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


def _assert_same(ours, theirs):
    for their_name, name in THEIRS.items():
        assert ours[name] == pytest.approx(theirs[their_name], abs=1e-9), name
    assert ours["geometric_mean"] == pytest.approx(theirs["geometric_mean_R1-R5-R10"], abs=1e-9)
