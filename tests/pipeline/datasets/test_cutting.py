from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import config
from pipeline.datasets.cutting import Cutting
from pipeline.errors import ConfigError

SHOTS = Cutting("shots", shortest_s=1.0)


def spans(cutting, duration_s, rows_s=()):
    return [tuple(span) for span in cutting.spans(duration_s, rows_s)]


@pytest.mark.parametrize(
    ("duration_s", "overlap_s", "expected"),
    [
        (10.0, 0.0, [(0, 4), (4, 8), (8, 10)]),
        (8.0, 0.0, [(0, 4), (4, 8)]),
        (8.5, 0.0, [(0, 4), (4, 8.5)]),
        (3.0, 0.0, [(0, 3)]),
        (0.04, 0.0, [(0, 0.04)]),
        (10.0, 1.0, [(0, 4), (3, 7), (6, 10)]),
    ],
)
def test_windows_follow_one_another_and_the_last_one_ends_with_the_video(duration_s, overlap_s, expected):
    assert spans(Cutting("seconds", seconds=4.0, overlap_s=overlap_s), duration_s) == expected


def test_shots_are_clips_and_what_lies_between_two_is_in_none():
    assert spans(SHOTS, 9.0, [(0, 3), (3.5, 6), (6, 9)]) == [(0, 3), (3.5, 6), (6, 9)]


def test_a_short_shot_goes_with_the_next_one_and_the_last_with_that_before():
    assert spans(SHOTS, 9.0, [(0, 0.4), (0.4, 3), (3, 3.5), (3.6, 4), (4, 8.5), (8.5, 9)]) == [(0, 3), (3, 4), (4, 9)]
    assert spans(SHOTS, 0.6, [(0, 0.2), (0.2, 0.6)]) == [(0, 0.6)]


def test_a_long_shot_is_cut_into_equal_parts():
    cutting = Cutting("shots", shortest_s=1.0, longest_s=4.0)
    assert spans(cutting, 14.0, [(0, 9), (9, 13), (13, 14)]) == [(0, 3), (3, 6), (6, 9), (9, 13), (13, 14)]
    assert spans(cutting, 6.0) == [(0, 3), (3, 6)]


def test_a_clip_ends_in_the_middle_of_a_pause():
    words = [(0.5, 1.0), (1.1, 3.0), (1.5, 1.7), (4.0, 5.0), (5.6, 6.0)]
    assert spans(Cutting("sentences", "speech_light", pause_s=1.0), 9.0, words) == [(0, 3.5), (3.5, 9)]
    assert spans(Cutting("sentences", "speech_light", pause_s=0.5), 9.0, words) == [(0, 3.5), (3.5, 5.3), (5.3, 9)]


def test_a_video_in_which_the_expert_saw_nothing_stays_whole():
    assert spans(SHOTS, 5.0) == [(0, 5)]
    assert spans(Cutting("sentences", "speech_light"), 5.0) == [(0, 5)]


@given(
    st.sampled_from(["shots", "seconds", "sentences"]),
    st.floats(0.04, 300),
    st.lists(st.tuples(st.floats(0, 300), st.floats(0.04, 20)), max_size=30),
    st.floats(0.1, 5),
)
def test_clips_rise_lie_inside_the_video_and_are_never_empty(by, duration_s, rows, shortest_s):
    rows_s = sorted((start_s, start_s + length_s) for start_s, length_s in rows if start_s < duration_s)
    if by == "shots":  # which do not overlap
        edges = sorted({start_s for start_s, _ in rows_s} | {duration_s})
        rows_s = list(pairwise(edges))
    cutting = {
        "shots": Cutting("shots", shortest_s=shortest_s, longest_s=20.0),
        "seconds": Cutting("seconds", seconds=6.0, overlap_s=2.0, shortest_s=shortest_s),
        "sentences": Cutting("sentences", "speech", shortest_s=shortest_s),
    }[by]
    found = np.array(spans(cutting, duration_s, rows_s))
    assert len(found) > 0
    assert np.all(found >= 0)
    assert np.all(found <= duration_s + 1e-6)
    assert np.all(found[:, 0] < found[:, 1])
    assert np.all(np.diff(found[:, 0]) > 0)
    if len(found) > 1:
        assert np.all(found[:, 1] - found[:, 0] >= min(shortest_s, 2.0) - 1e-5), "joined, or the parts of a long one"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"by": "seconds"}, "needs seconds"),
        ({"by": "seconds", "seconds": 4, "overlap_s": 3.99}, "0.1 s less than that"),
        ({"by": "seconds", "seconds": 4, "expert": "shots"}, "neither expert nor longest_s"),
        ({"by": "shots", "seconds": 4}, "neither seconds nor overlap_s"),
        ({"by": "sentences"}, "expert of speech"),
        ({"by": "shots", "shortest_s": 3, "longest_s": 4}, "twice as long"),
        ({"by": "scenes"}, "by"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(told, message):
    with pytest.raises(ConfigError, match=message) as caught:
        config.parse(Cutting, told, "films.yaml: segment")
    assert "\n" not in str(caught.value)
