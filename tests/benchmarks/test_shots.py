import av
import numpy as np
import pytest

from benchmarks.shots import FPS, drawn, hits, joined, scored
from tests.clips import make_clip


def clip(shade, length):
    return [np.full((48, 64, 3), shade, np.uint8)] * length


def shades(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]


def test_each_transition_counts_once_and_each_answer_for_one():
    truth = [(1.0, 1.0), (2.0, 2.5), (4.0, 4.0)]
    assert hits(truth, [(1.05, 1.05), (2.2, 2.3), (4.2, 4.2)]) == 2, "the last one is too late"
    assert hits(truth, [(0.95, 0.95), (1.05, 1.05), (1.8, 1.95)]) == 2, "two answers for one cut, and one for the next"
    assert scored(truth, [(1.0, 1.0), (2.1, 2.1), (3.0, 3.0)]) == {"precision": 0.6667, "recall": 0.6667, "f1": 0.6667}
    assert scored(truth, []) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_a_joined_film_has_the_frames_of_its_videos_and_a_cut_after_each(tmp_path):
    videos = [
        make_clip(tmp_path / f"{number}.mp4", fps=FPS, seconds=seconds, sound=None)
        for number, seconds in enumerate((0.4, 0.8, 0.2))
    ]
    spans = joined(videos, tmp_path / "film.mp4")
    assert [start for start, _ in spans] == pytest.approx([0.4, 1.2])
    np.testing.assert_allclose(shades(tmp_path / "film.mp4"), [one for path in videos for one in shades(path)], atol=1)


@pytest.mark.parametrize(("kind", "middle"), [("dissolve", 100), ("fade", 0)])
def test_a_transition_lies_where_it_is_said_to(tmp_path, kind, middle):
    clips = [clip(50, 20), clip(150, 30)]
    assert drawn(clips, [(kind, 9)], tmp_path / "film.mp4") == [(11 / FPS, 20 / FPS)]
    found = shades(tmp_path / "film.mp4")
    assert len(found) == 41
    np.testing.assert_allclose(found[:11], 50, atol=4)
    np.testing.assert_allclose(found[20:], 150, atol=4)
    assert found[15] == pytest.approx(middle, abs=4)
    assert drawn(clips, [("cut", 0)], tmp_path / "cut.mp4") == [(20 / FPS, 20 / FPS)]
    np.testing.assert_allclose(shades(tmp_path / "cut.mp4"), [50] * 20 + [150] * 30, atol=4)
