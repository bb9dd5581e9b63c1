import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from models import metrics
from models.metrics import Spread, caption_ranks, over_seeds, summary, video_ranks
from pipeline.errors import TrainingError
from tests.models import cases

NAMES = ["square_random", "square_ties_quantised", "all_equal", "multicap4", "multicap4_masked", "msrvtt_like_20cap"]
THEIRS = {"R1": "R@1", "R5": "R@5", "R10": "R@10", "R50": "R@50", "MedR": "MdR", "MeanR": "MnR"}


@pytest.mark.parametrize("name", NAMES)
def test_both_directions_are_those_of_the_original(name):
    case = cases.load("metrics_cases.npz")
    scores, masks = case.arrays[f"{name}/sims"], case.arrays.get(f"{name}/query_masks")
    captions = np.repeat(np.arange(scores.shape[1]), len(scores) // scores.shape[1])
    real = np.ones(len(scores), bool) if masks is None else masks.reshape(-1).astype(bool)
    _assert_same(summary(caption_ranks(scores[real], captions[real])), case.meta[name]["t2v"])
    _assert_same(summary(video_ranks(scores[real], captions[real])), case.meta[name]["v2t"])


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 12), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_ranks_are_scipys_average_ranks(seed, num_videos, num_captions, levels):
    chance = np.random.default_rng(seed)
    scores = chance.integers(0, levels, (num_captions, num_videos)).astype(np.float32)
    captions = chance.integers(0, num_videos, num_captions)
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
    assert over_seeds([{"R@1": 1.0}, {"R@1": 2.0}, {"R@1": 6.0}]) == {"R@1": Spread(3.0, pytest.approx(7**0.5))}
    assert over_seeds([{"R@1": 4.0}]) == {"R@1": Spread(4.0, None)}


def _assert_same(ours, theirs):
    for their_name, name in THEIRS.items():
        assert ours[name] == pytest.approx(theirs[their_name], abs=1e-9), name
    assert ours["geometric_mean"] == pytest.approx(theirs["geometric_mean_R1-R5-R10"], abs=1e-9)
