import numpy as np
import pytest

from extractors.word_experts import segments
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from search.building.expert_words import read_words
from tests.search import small_collection

CLIPS = [
    small_collection.Clip("a.mp4", speech={"one": 0.0, "two": 1.5}),
    small_collection.Clip("b.mp4", sign={"EXIT": 3.0}),
    small_collection.Clip("c.mp4"),
]


@pytest.fixture
def sources(tmp_path):
    return small_collection.trained(tmp_path, CLIPS)[0]


def found(sources, videos=None) -> list[tuple]:
    documents = read_words(sources.stores, sources.key, videos or sources.manifest.videos)
    return [(one.video, one.expert, list(one.words), [start for start, _ in one.times_s]) for one in documents]


def test_each_video_and_expert_with_words_gives_a_document_with_their_times(sources):
    assert found(sources) == [(1, "ocr_light", ["EXIT"], [3.0]), (0, "speech_light", ["one", "two"], [0.0, 1.5])]


def test_videos_are_numbered_as_they_are_given_and_others_are_left_out(sources):
    a, b, _ = sources.manifest.videos
    assert found(sources, [b]) == [(0, "ocr_light", ["EXIT"], [3.0])]
    assert [(video, expert) for video, expert, *_ in found(sources, [b, a])] == [(0, "ocr_light"), (1, "speech_light")]


def test_two_videos_with_the_same_row_both_have_its_words(sources):
    a, *_ = sources.manifest.videos
    assert [video for video, *_ in found(sources, [a, a])] == [0, 1]


def test_a_row_that_is_in_two_parts_is_read_once(sources):
    words = Features(np.ones((1, 300), np.float32), np.array([[3.0, 3.5]]), {"text": np.array(["EXIT"], np.str_)})
    parts.publish(sources.stores["ocr_light"], [Row("b.mp4", 1)], [words], 300)
    assert [expert for _, expert, *_ in found(sources)] == ["ocr_light", "speech_light"]


def test_the_words_of_segments_are_found_one_by_one_with_their_own_times(tmp_path, sources):
    said = Features(
        np.zeros((3, 1), np.float32),
        np.array([[0.0, 0.5], [0.5, 1.25], [4.0, 5.0]]),
        {"text": np.array(["brown", "bear", "well-known"])},
    )
    joined = segments.join(said, segments.Cuts(1.0), lambda texts: np.ones((len(texts), 300), np.float32))
    assert len(joined.values) == 2
    parts.publish(tmp_path / "segments", [Row("a.mp4", 2)], [joined], 300)
    (document,) = read_words({"speech": tmp_path / "segments"}, sources.key, sources.manifest.videos)
    assert list(document.words) == ["brown", "bear", "well-known"]
    assert list(document.times_s) == [(0.0, 0.5), (0.5, 1.25), (4.0, 5.0)]
