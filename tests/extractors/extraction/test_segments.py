from pathlib import Path

import pytest

from extractors.extraction.segments import SEGMENT_S, Piece, Segment, num_segments

PATH = Path("/x/y.mp4")


def test_the_span_of_a_segment_is_told_in_the_times_of_its_video_or_clip():
    assert Segment(PATH, "key", 2, ()).span_s == (64.0, 96.0)
    clip = Segment(PATH, "key", 2, (), clip_s=(70.5, 80.0))
    assert (clip.offset_s, clip.span_s) == (70.5, (64.0 - 70.5, 96.0 - 70.5))


def test_a_piece_is_read_in_order_where_its_file_is():
    for in_order in (True, False):
        assert (
            Piece((Segment(PATH, "key", 0, (), in_order), Segment(PATH, "other", 0, (), in_order))).in_order is in_order
        )


@pytest.mark.parametrize(("seconds", "number"), [(0.0, 1), (SEGMENT_S, 1), (SEGMENT_S + 0.1, 2), (3 * SEGMENT_S, 3)])
def test_a_video_has_a_segment_for_each_begun_piece(seconds, number):
    assert num_segments(seconds) == number
