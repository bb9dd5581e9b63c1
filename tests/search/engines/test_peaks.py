import numpy as np
import pytest

from search.engines.peaks import MOST, ends, peaks


def found(scores, floor=0.0, starts=None):
    starts = np.arange(len(scores), dtype=float) if starts is None else np.array(starts, float)
    return peaks(starts, starts + 1, np.array(scores, np.float32), floor)


def spans(*given, **more):
    return [(one.start_s, one.end_s) for one in found(*given, **more)]


def test_neighbours_that_stand_out_are_one_interval_with_the_best_score():
    (one,) = found([0.1, 0.8, 0.9, 0.1, 0.1])
    assert (one.start_s, one.end_s, one.best) == (1.0, 3.0, 2)
    assert one.score == pytest.approx(0.9)


def test_intervals_are_in_the_order_of_time():
    assert spans([0.9, 0.1, 0.8, 0.1, 0.9]) == [(0.0, 1.0), (2.0, 3.0), (4.0, 5.0)]


def test_what_is_less_than_half_way_from_the_mean_to_the_highest_does_not_stand_out():
    # The mean is 0.4, the highest 1: from 0.7 on it stands out.
    assert spans([0.0, 0.69, 1.0, 0.0, 0.31]) == [(2.0, 3.0)]
    assert spans([0.0, 0.71, 1.0, 0.0, 0.29]) == [(1.0, 3.0)]


@pytest.mark.parametrize(("scores", "floor"), [([], 0.0), ([-0.5, -0.1], 0.0), ([0.0, 0.0], 0.0), ([0.05, 0.09], 0.1)])
def test_nothing_stands_out_of_nothing_and_below_the_floor(scores, floor):
    assert found(scores, floor) == []


def test_where_all_are_equal_all_do():
    assert spans([0.3, 0.3, 0.3]) == [(0.0, 3.0)]


def test_of_very_many_the_best_are_kept():
    scores = np.zeros(1000)
    scores[::2] = 0.9 + np.arange(500) / 1e4
    assert [one.start_s for one in found(scores)] == [998.0 - 2 * (MOST - 1 - at) for at in range(MOST)]


def test_a_frame_ends_where_the_next_begins_and_the_last_with_the_video():
    assert ends(np.array([0.0, 2.0, 5.0]), 7.5).tolist() == [2.0, 5.0, 7.5]
    assert ends(np.array([0.0, 2.0]), 1.0).tolist() == [2.0, 2.0]
    assert ends(np.zeros(0), 3.0).tolist() == []
