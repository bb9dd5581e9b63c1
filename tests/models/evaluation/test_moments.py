import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.moments import IOUS, Predicted, average_precision, iou, measures

# Worked out by hand; IoUs are 0.50, 0.55, ... 0.95.
TWO = (
    [Predicted(21, 31, 0.8), Predicted(0, 10, 0.9), Predicted(40, 50, 0.7)],
    [(0, 10), (20, 30)],
)
"""By score: (0, 10) has IoU 1; (21, 31) shares 9 s of 11 s with (20, 30): 0.818; (40, 50) has 0.
At the 7 IoUs up to 0.80: hit, hit, miss; precision 1 at recall 1/2 and 1: AP 1.
At the 3 above: hit, miss, miss: AP 1/2.
Mean: (7 x 1 + 3 x 1/2) / 10 = 0.85. The first one has IoU 1."""
SECOND = ([Predicted(5, 15, 0.9), Predicted(0, 8.2, 0.5)], [(0, 10)])
"""(5, 15) shares 5 s of 15 s: 1/3; (0, 8.2) shares 8.2 s of 10 s: 0.82. At the 7 IoUs up to 0.80: miss, hit: precision
1/2 at recall 1: AP 1/2. Above: 0. Mean: 7 x 1/2 / 10 = 0.35. The first one has IoU 1/3."""
NOTHING = ([], [(0, 10)])
"""AP 0."""
TWICE = ([Predicted(0, 10, 0.9), Predicted(0, 10, 0.8)], [(0, 10)])
"""hit, miss, for a window is taken once: AP 1 at all IoUs."""
SHORT = ([Predicted(0, 6.2, 1)], [(0, 10)])
"""IoU 0.62: AP 1 at 0.50, 0.55 and 0.60: mean 3 / 10 = 0.3. R1 at 0.5, and not at 0.7."""


@pytest.mark.parametrize(
    ("query", "expected"), [(TWO, 85.0), (SECOND, 35.0), (NOTHING, 0.0), (TWICE, 100.0), (SHORT, 30.0)]
)
def test_each_query_of_the_fixture_has_the_precision_that_was_worked_out(query, expected):
    assert measures([query])["mAP"] == pytest.approx(expected)


def test_the_fixture_as_a_whole():
    """R1@0.5: TWO, TWICE and SHORT of 5; R1@0.7: TWO and TWICE. mAP: (0.85 + 0.35 + 0 + 1 + 0.3) / 5 = 0.5.
    mAP@0.5: (1 + 1/2 + 0 + 1 + 1) / 5 = 0.7; mAP@0.75: (1 + 1/2 + 0 + 1 + 0) / 5 = 0.5."""
    found = measures([TWO, SECOND, NOTHING, TWICE, SHORT])
    expected = {"R1@0.5": 60.0, "R1@0.7": 40.0, "mAP@0.5": 70.0, "mAP@0.75": 50.0, "mAP": 50.0}
    assert found == pytest.approx(expected)


def test_precision_is_interpolated_from_higher_recalls():
    """miss, hit, hit: precisions 0, 1/2, 2/3; at recall 1/2 counts the 2/3 of recall 1: AP 2/3, not (1/2 + 2/3) / 2."""
    ranked = [Predicted(90, 95, 3), Predicted(0, 10, 2), Predicted(20, 30, 1)]
    assert average_precision(ranked, [(0, 10), (20, 30)], 0.5) == pytest.approx(2 / 3)


def test_ten_predictions_of_a_query_count():
    wrong = [Predicted(90, 95, 2)] * 10
    assert measures([([*wrong, Predicted(0, 10, 1)], [(0, 10)])])["mAP"] == 0
    assert measures([([*wrong[1:], Predicted(0, 10, 1)], [(0, 10)])])["mAP"] == pytest.approx(10)


def test_the_ious_are_those_of_the_benchmark():
    assert pytest.approx(np.linspace(0.5, 0.95, 10)) == IOUS
    assert iou(Predicted(3, 3, 1), (3, 3)) == 0
    assert iou(Predicted(0, 4, 1), (4, 9)) == 0


def test_what_cannot_be_measured_is_refused():
    for queries in ([], [([], [])]):
        with pytest.raises(ValueError, match="at least one true window"):
            measures(queries)


WINDOWS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=6
)


@given(WINDOWS, WINDOWS.filter(bool), st.sampled_from(IOUS))
def test_precision_is_the_area_that_the_published_evaluation_computes(windows, true, least):
    """As arrays: padded with 0 and 1, made monotone from the right, summed where the recall changes."""
    ranked = [Predicted(*window, -place) for place, window in enumerate(windows)]
    free, hits = list(range(len(true))), []
    for one in ranked:
        order = sorted(free, key=lambda place: (iou(one, true[place]), place))
        hits.append(bool(order) and iou(one, true[order[-1]]) >= least)
        if hits[-1]:
            free.remove(order[-1])
    found = np.cumsum(hits)
    precision = np.hstack([0, found / np.arange(1, len(hits) + 1), 0])
    recall = np.hstack([0, found / len(true), 1])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    changes = np.flatnonzero(recall[1:] != recall[:-1]) + 1
    area = ((recall[changes] - recall[changes - 1]) * precision[changes]).sum()
    assert average_precision(ranked, true, least) == pytest.approx(area, abs=1e-12)
