"""Files that cannot be sought in a pass: whose clock jumps, or whose key frames are rare."""

import dataclasses

import numpy as np
import pytest

from extractors.extraction import pieces, segments
from pipeline.media import cursor
from pipeline.stores import store
from tests.clips import make_clip, numbered
from tests.extractors.run_experts import features_of, named, row_of, run_pass, video_of
from tests.pipeline.media.joined_clips import joined

EXPERTS = ["rgb_light", "flow_light", "scene_light"]
SIZE = (64, 48)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Each has three segments: one key frame in 70 s, and pieces of a recording of 35 s each."""
    folder = tmp_path_factory.mktemp("in_order")
    one_key = make_clip(
        folder / "one_key.mkv",
        size=SIZE,
        fps=5,
        seconds=70,
        gop=10_000,
        picture=lambda i: numbered(i, SIZE),
    )
    recording = joined(folder / "recording.ts", [20_000, 0], num=875)
    return [(path, video_of(path)) for path in (one_key, recording)]


@pytest.fixture(scope="module")
def together(tmp_path_factory, videos):
    folder = tmp_path_factory.mktemp("together")
    assert run_pass([named(name) for name in EXPERTS], videos, folder, in_process=False) == {}
    return folder


def test_they_are_known_from_their_packets(videos):
    assert [video.seekable for _, video in videos] == [False, False]
    assert [segments.num_segments(video.duration_s) for _, video in videos] == [3, 3]


@pytest.mark.parametrize("name", EXPERTS)
def test_alone_or_fused_gives_the_same_bits(videos, together, tmp_path, name):
    store.forget_scans()
    assert run_pass([named(name)], videos, tmp_path) == {}
    for _, video in videos:
        one, two = (features_of(folder, named(name), video) for folder in (tmp_path, together))
        assert len(one.values) > 20
        assert one.values.tobytes() == two.values.tobytes()
        assert one.times_s.tobytes() == two.times_s.tobytes()
        assert row_of(tmp_path, named(name), video) == row_of(together, named(name), video)


def test_the_row_says_once_that_the_clock_jumps(videos, together):
    one_key, recording = (row_of(together, named("rgb_light"), video) for _, video in videos)
    assert (one_key.reason, one_key.count) == ("", 140)
    assert recording.reason == "the clock of the file jumps: its pieces were put one after another"
    assert recording.count == 140


def test_a_pass_opens_each_of_them_once(videos, tmp_path, monkeypatch):
    opened = []
    init = cursor.Cursor.__init__

    def noted(self, path, from_s=0.0, *how):
        opened.append((path.name, from_s))
        init(self, path, from_s, *how)

    monkeypatch.setattr(cursor.Cursor, "__init__", noted)
    assert run_pass([named(name) for name in EXPERTS], videos, tmp_path) == {}
    assert opened == [("one_key.mkv", 0.0), ("recording.ts", 0.0)]


def test_their_segments_go_to_one_worker(videos):
    short = dataclasses.replace(videos[0][1], duration_s=30.0)
    sought = dataclasses.replace(videos[0][1], seekable=True)
    todo = [(path, video, ()) for path, video in [*videos, (videos[0][0], short), (videos[0][0], sought)]]
    in_order = [pieces.piece_of(shares).in_order for item in todo for shares in pieces.pieces_of([item])]
    assert in_order == [True] * 6 + [False] + [False] * 3


def test_the_sound_of_a_recording_goes_on_in_its_second_piece(videos, tmp_path):
    store.forget_scans()
    assert run_pass([named("audio_light")], videos[1:], tmp_path) == {}
    audio = features_of(tmp_path, named("audio_light"), videos[1][1])
    np.testing.assert_allclose(audio.times_s[:, 0], np.arange(len(audio.times_s)) * 0.96, atol=1e-6)
    assert len(audio.times_s) == pytest.approx(70 / 0.96, abs=1)
    # One tone all along: no item is silent, and none is unlike the others, but those at the joint.
    usual = np.abs(audio.values - np.median(audio.values, axis=0)).max(axis=1) < 1.0
    assert np.sum(~usual) <= 4


def test_a_recording_is_seen_to_the_end_of_its_last_piece(videos, together):
    times_s = features_of(together, named("rgb_light"), videos[1][1]).times_s
    np.testing.assert_allclose(np.diff(times_s[:, 0]), 0.5, atol=1e-6)
    assert times_s[-1, 1] == pytest.approx(70.0, abs=0.2)
