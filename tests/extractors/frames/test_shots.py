from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from extractors.base import FrameNeed
from extractors.extraction.video_rows import VideoRows
from extractors.frames.shots import Shot, ShotExtractor

STRIDE = 4
FPS = 10.0


class Halves(ShotExtractor):
    """Cuts where a score is above 0.5."""

    version = 1
    need = FrameNeed(FPS, window=STRIDE, stride=STRIDE, margin=0)

    def prepare(self, view):
        return view.windows

    def embed(self, items):
        return self.per_frame(items)

    def shots(self, scores):
        edges = [0, *np.flatnonzero(scores > 0.5).tolist(), len(scores)]
        self.seen = scores
        return [Shot(first, stop, scores[first]) for first, stop in pairwise(edges)]


def kept(scores, lost=(), begin_s=0.0, end_s=None):
    """What is stored of a video with these scores, of which the items with numbers in `lost` do not decode."""
    extractor, video = Halves(SimpleNamespace(fps=FPS)), VideoRows("key")
    end_s = begin_s + len(scores) / FPS if end_s is None else end_s
    padded = np.pad(scores, (0, -len(scores) % STRIDE), constant_values=9.0)
    for number, item in enumerate(padded.reshape(-1, STRIDE)):
        if number not in lost:
            start_s = begin_s + number * STRIDE / FPS
            time_s = np.array([start_s, min(start_s + STRIDE / FPS, end_s)])
            video.append(time_s, extractor.embed(item[None]), np.arange(STRIDE))
    return extractor, extractor.finish(video.features(1))


def test_a_shot_has_the_times_of_its_frames_and_the_score_of_its_boundary():
    scores = np.zeros(10)
    scores[[3, 8]] = 0.75, 0.9
    extractor, found = kept(scores, begin_s=2.0)
    np.testing.assert_allclose(found.times_s, [[2.0, 2.3], [2.3, 2.8], [2.8, 3.0]])
    np.testing.assert_array_equal(found.values, np.array([[0], [0.75], [0.9]], np.float32))
    assert found.extras == {}
    np.testing.assert_array_equal(extractor.seen, scores, "with the precision in which they were computed")


@pytest.mark.parametrize("length", range(1, 13))
def test_what_lies_beyond_the_end_is_no_frame(length):
    extractor, found = kept(np.zeros(length))
    assert len(extractor.seen) == length
    np.testing.assert_allclose(found.times_s, [[0, length / FPS]])


def test_a_last_frame_that_is_shown_for_less_than_its_time_counts():
    extractor, found = kept(np.zeros(6), end_s=0.53)
    assert len(extractor.seen) == 6
    np.testing.assert_allclose(found.times_s, [[0, 0.53]])


def test_where_nothing_decodes_there_is_no_boundary():
    scores = np.zeros(14)
    scores[[2, 5, 9]] = 1
    _, found = kept(scores, lost={1})
    np.testing.assert_allclose(found.times_s, [[0, 0.2], [0.2, 0.9], [0.9, 1.4]])
    _, found = kept(scores, lost={0, 3})
    np.testing.assert_allclose(
        found.times_s, [[0.4, 0.5], [0.5, 0.9], [0.9, 1.2]], err_msg="from the first item to the last"
    )


def test_a_video_of_which_nothing_was_seen_has_no_shots():
    extractor = Halves(SimpleNamespace(fps=FPS))
    assert extractor.finish(VideoRows("key").features(1)).times_s.shape == (0, 2)
