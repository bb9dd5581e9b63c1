import numpy as np
import pytest

from search import Options
from search.engines.fulltext import Word
from search.timeline import MOST_WORDS, TimeLine
from tests.search import small_collection


def moments(collection, query: str, video: str, engine: str, **options):
    (hit,) = [hit for hit in collection.search(query, options=Options(**options)) if hit.video_id == video]
    return [(one.expert, one.start_s, one.end_s, one.text) for one in hit.moments if one.engine == engine]


def test_every_word_that_was_found_is_a_moment_with_its_expert(tiny):
    assert moments(tiny, "lighthouse water", "harbour.mp4", "words") == [
        ("ocr_light", 4.0, 4.5, "LIGHTHOUSE"),
        ("speech_light", 1.4, 1.9, "water"),
    ]


def test_a_label_is_a_moment_at_the_second_where_it_is_most_probable(tiny):
    assert moments(tiny, "zebra", "meadow.mp4", "labels") == [("rgb_light", 2.0, 2.0, "zebra")]


def test_the_best_moment_of_a_trained_expert_is_where_its_vectors_are_most_alike(tiny):
    hit = tiny.similar("harbour.mp4").hits[0]
    found = [one for one in hit.moments if one.engine == "similar"]
    assert {one.expert for one in found} <= {name for name, share in hit.shares.items() if share is not None}
    row, experts = tiny.row(hit.video_id), tiny.experts
    starts_s, offsets = experts._moment_times
    rows = np.arange(offsets[row], offsets[row + 1])
    for at, name in enumerate(experts.names):
        of_expert = [one for one in found if one.expert == name]
        has = rows[experts.moments.present[rows, at]]
        cosines = experts.moments.vectors[at][has] @ experts.videos.vectors[at][tiny.row("harbour.mp4")]
        if of_expert:
            best = max(of_expert, key=lambda one: one.score)
            assert best.start_s <= starts_s[has[cosines.argmax()]] < best.end_s
        else:
            assert not len(has) or cosines.max() <= 0 or not experts.videos.present[tiny.row("harbour.mp4"), at]


def test_an_expert_of_weight_zero_has_no_moment(tiny):
    assert moments(tiny, "lighthouse water", "harbour.mp4", "words", weights={"ocr_light": 0.0}) == [
        ("speech_light", 1.4, 1.9, "water")
    ]


def test_all_moments_lie_in_the_video_and_are_sorted_by_expert_and_time(tiny):
    for hit in tiny.search("water zebra lighthouse pasta", options=Options(k=100)):
        assert hit.moments == tuple(sorted(hit.moments, key=lambda one: (one.expert, one.start_s)))
        for one in hit.moments:
            assert 0 <= one.start_s <= one.end_s <= max(hit.duration_s, one.start_s)
            assert one.engine in {*hit.found_by, "words"}
            assert one.expert in small_collection.EXPERTS


def test_of_a_word_that_is_said_all_the_time_the_first_are_told(tiny):
    words = [Word("water", "speech_light", float(at), at + 0.5) for at in range(10 * MOST_WORDS)]
    line = TimeLine(None, None, tiny.settings)
    found = line.of(None, 0, 1e4, (), words, ())
    assert [one.start_s for one in found] == pytest.approx(range(MOST_WORDS))
