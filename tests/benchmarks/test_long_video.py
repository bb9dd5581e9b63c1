import json

import numpy as np

from benchmarks.long_video import MODALITIES, Hour, table


def test_clips_hold_what_the_whole_holds_with_times_of_their_own():
    (whole,), clips = Hour(60).cut(60), Hour(60).cut(10)
    assert len(clips) == 6
    for name in MODALITIES:
        joined = np.concatenate([clip[name].values for clip in clips])
        np.testing.assert_array_equal(joined, whole[name].values)
        times_s = np.concatenate([clip[name].times_s + 10 * number for number, clip in enumerate(clips)])
        np.testing.assert_allclose(times_s, whole[name].times_s)
        assert all((clip[name].times_s[:, 0] >= 0).all() and (clip[name].times_s[:, 0] < 10).all() for clip in clips)
    assert [word for clip in clips for word in clip["speech"].extras["text"]] == list(whole["speech"].extras["text"])


def test_the_table_has_the_hour_beside_its_clips(tmp_path):
    names = ("rare words: ms", "frequent words: ms", "label: ms", "page: ms", "page: kB", "index: kB", "build: s")
    one, clips = ({name: float(at + shift) for at, name in enumerate(names)} for shift in (0, 10))
    body = {"machine": {"cpu": "Some CPU"}, "seconds": 3600, "clip_s": 10, "one video": one, "clips": clips}
    path = tmp_path / "long_video.json"
    path.write_text(json.dumps(body))
    lines = table(path).splitlines()
    assert lines[0] == "| 3,600 s | as one video | as 360 clips |"
    assert lines[2] == "| a query of two rare words: CPU ms | 0.0 | 10.0 |"
    assert "Some CPU" in lines[-1]
