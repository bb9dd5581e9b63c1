"""Scores are made with a known box; what is expected is the box, or a search over all of them by their definition."""

import numpy as np
import pytest

from models.zero_shot import moments
from models.zero_shot.moments import windows_of


def seconds(count):
    starts = np.arange(count, dtype=np.float32)
    return starts, starts + 1


def boxes(*spans, count=60, noise=0.0, seed=0):
    scores = np.random.default_rng(seed).normal(size=count) * noise
    for start, end, height in spans:
        scores[start:end] += height
    return scores.astype(np.float32)


def test_a_box_is_found_exactly():
    best = next(windows_of(*seconds(60), boxes((12, 31, 0.3))))
    assert (best.start_s, best.end_s) == (12, 31)


def test_several_boxes_are_found_the_one_that_explains_more_first():
    found = list(windows_of(*seconds(60), boxes((5, 15, 0.3), (40, 44, 0.3))))
    assert (found[0].start_s, found[0].end_s) == (5, 15)
    assert (40, 44) in {(one.start_s, one.end_s) for one in found}
    assert len(found) <= 10
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_window_explains_most_of_the_variance_of_all_boxes(seed):
    """By definition: the sum of squares that is left when each part has its own mean."""
    scores = boxes((7, 13, 1.0), count=20, noise=0.5, seed=seed).astype(np.float64)
    best = next(windows_of(*seconds(20), scores))

    def left(start, end):
        inside, outside = scores[start:end], np.delete(scores, np.arange(start, end))
        return ((inside - inside.mean()) ** 2).sum() + ((outside - outside.mean()) ** 2).sum()

    higher = [
        (start, end)
        for start in range(20)
        for end in range(start + 1, 21)
        if end - start < 20 and scores[start:end].mean() > np.delete(scores, np.arange(start, end)).mean()
    ]
    assert (best.start_s, best.end_s) == min(higher, key=lambda span: left(*span))


def test_windows_that_are_told_overlap_by_half_at_most():
    found = list(windows_of(*seconds(60), boxes((10, 40, 0.5), noise=0.3)))
    for place, one in enumerate(found):
        for other in found[:place]:
            shared = max(0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))
            assert shared <= 0.5 * (one.end_s - one.start_s + other.end_s - other.start_s - shared) + 1e-9


@pytest.mark.parametrize("count", [1, 7])
def test_where_nothing_stands_out_it_is_the_whole_video(count):
    (whole,) = windows_of(*seconds(count), np.full(count, 0.3, np.float32))
    assert (whole.start_s, whole.end_s) == (0, count)


def test_of_a_long_video_neighbours_are_joined(monkeypatch):
    monkeypatch.setattr(moments, "MOST_ROWS", 50)
    best = next(windows_of(*seconds(1000), boxes((200, 500, 0.3), count=1000)))
    assert (best.start_s, best.end_s) == (200, 500)
