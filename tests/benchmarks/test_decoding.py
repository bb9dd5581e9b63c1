import json

import numpy as np
import pytest

from benchmarks.decoding import asked_of, by_us, difference, measure, table
from tests.clips import make_clip, number_in


@pytest.fixture(scope="module")
def numbered_clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("numbered") / "a.mp4", size=(320, 240), seconds=2)


def test_what_is_asked_are_the_frames_of_the_rate_in_half_of_a_small_size(numbered_clip):
    asked = asked_of(numbered_clip, "5")
    np.testing.assert_allclose(asked.times_s, np.arange(10) / 5)
    assert asked.size == (160, 120)
    assert len(asked_of(numbered_clip, "all").times_s) == 50


def test_ours_are_the_frames_that_are_shown_then(numbered_clip):
    asked = asked_of(numbered_clip, "5")
    frames = by_us(asked)
    assert [number_in(frame) for frame in frames] == list(range(0, 50, 5))
    assert {frame.shape for frame in frames} == {(120, 160, 3)}


def test_readers_that_show_the_same_have_seconds(numbered_clip):
    told = measure(asked_of(numbered_clip, "2"), ["ours", "PyAV"], runs=1)
    assert told["frames"] == 4
    assert told["cpu_s"].keys() == {"ours", "PyAV"}
    assert 0 < told["difference"]["PyAV"] < 3
    assert told["other frames"] == {}


def test_a_reader_that_shows_other_frames_has_none(numbered_clip, monkeypatch):
    monkeypatch.setitem(measure.__globals__["READERS"], "late", lambda asked: by_us(asked)[1:])
    told = measure(asked_of(numbered_clip, "2"), ["ours", "late"], runs=1)
    assert told["cpu_s"].keys() == {"ours"}
    assert told["other frames"] == {"late": "3 frames where ours are 4"}


def test_the_frame_that_differs_most_decides():
    dark = [np.zeros((2, 2, 3), np.uint8)] * 3
    assert difference(dark, [*dark[:2], np.full((2, 2, 3), 5, np.uint8)]) == 5.0
    assert difference(dark, [*dark[:2], np.full((2, 2, 3), 7, np.uint8)]) == "a frame differs by 7.0 of 255 levels"


def test_the_table_compares_ours_with_the_best_of_the_others(tmp_path):
    row = {"video": "a", "rate": "5", "video_s": 30.0, "cpu_s": {"ours": 3.0, "PyAV": 2.5, "ffmpeg": 5.0}}
    told = {"machine": {"cpu": "Some CPU"}, "readers": ["ours", "PyAV", "ffmpeg", "other"], "missing": {"lost": "it"}}
    path = tmp_path / "decoding.json"
    alone = {**row, "cpu_s": {"ours": 3.0}}
    path.write_text(json.dumps({**told, "rows": [row, alone]}))
    lines = table(path).splitlines()
    assert lines[2] == "| a | 5 | 6.00 | 5.00 | 10.00 | other frames | 1.20 |"
    assert lines[3].endswith("| other frames | none |")
    assert "Some CPU" in lines[-1]
    assert lines[-1].endswith("Not at hand: lost.")
