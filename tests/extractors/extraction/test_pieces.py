"""Clips of a file: what is decoded for them, and that what they show is what a file of their own would show."""

import dataclasses
import math
from pathlib import Path

import av
import numpy as np
import pytest

from extractors.base import AudioNeed, FrameNeed
from extractors.extraction import pieces, segments
from extractors.extraction.audio_view import audio_view
from extractors.extraction.pieces import grouped, piece_of, pieces_of
from extractors.extraction.views import decode_piece
from pipeline.datasets.clips import Clip, clip_content
from pipeline.datasets.manifest import Video
from pipeline.media import cursor
from pipeline.media.video import probe
from tests.clips import AUDIO_HZ, make_clip, tone
from tests.extractors.run_experts import features_of, named, row_of, run_pass, video_of

LENGTH_S = 44
FRAMES = ["rgb_light", "flow_light"]
ALL = [*FRAMES, "audio_light", "speech_light"]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """LENGTH_S with a key frame each second, a sound that rises, and a word each second."""
    folder = tmp_path_factory.mktemp("film")
    words = [(f"w{second}", second + 0.1, second + 0.9) for second in range(LENGTH_S)]
    sound = np.concatenate([tone(1.0, 200 + 20 * second) for second in range(LENGTH_S)])
    return make_clip(folder / "film.mkv", fps=10, gop=10, seconds=LENGTH_S, sound=sound, subtitles=words)


def clip_of(path, start_s, end_s, whole=None):
    whole = whole or video_of(path)
    clip = Clip(path.name, start_s, end_s)
    content = clip_content(whole.content, clip.span_s)
    span = {"file": path.name, "span_s": clip.span_s, "duration_s": end_s - start_s}
    return path, dataclasses.replace(whole, video_id=clip.name, content=content, **span)


@pytest.fixture(scope="module")
def clips(film):
    """Overlapping clips: within a piece, across a border, next to it, and up to the end; and the file itself."""
    spans = [(3.0, 6.0), (29.3, 35.2), (31.95, 33.0), (32.0, 34.0), (40.0, 44.0)]
    whole = video_of(film)
    return [*(clip_of(film, *span, whole) for span in spans), (film, whole)]


@pytest.fixture(scope="module")
def together(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    assert run_pass([named(name) for name in ALL], clips, folder) == {}
    return folder


def counted(monkeypatch):
    """A list that grows with each frame that is decoded."""
    frames, decoded = [], cursor._decoded

    def counting(*args):
        for frame in decoded(*args):
            frames.append(frame.pts)
            yield frame

    monkeypatch.setattr(cursor, "_decoded", counting)
    return frames


@pytest.mark.slow
def test_features_of_a_clip_are_the_same_bytes_alone_and_beside_others(clips, together, tmp_path):
    for clip in clips[:-1]:
        assert run_pass([named(name) for name in ALL], [clip], tmp_path) == {}
    for (_, video), name in ((clip, name) for clip in clips[:-1] for name in ALL):
        alone, beside = (features_of(folder, named(name), video) for folder in (tmp_path, together))
        assert len(alone.values), (video.video_id, name)
        np.testing.assert_array_equal(alone.values, beside.values)
        np.testing.assert_array_equal(alone.times_s, beside.times_s)


@pytest.mark.slow
def test_a_clip_beside_it_changes_nothing_of_the_whole_video(clips, together, tmp_path):
    assert run_pass([named(name) for name in FRAMES], clips[-1:], tmp_path) == {}
    for name in FRAMES:
        alone, beside = (features_of(folder, named(name), clips[-1][1]) for folder in (tmp_path, together))
        np.testing.assert_array_equal(alone.values, beside.values)


@pytest.mark.slow
def test_times_of_a_clip_begin_at_its_start(clips, together):
    """rgb_light: twice a second; speech_light: the words that begin in the span."""
    for _, video in clips[:-1]:
        start_s, end_s = video.span_s
        times_s = features_of(together, named("rgb_light"), video).times_s
        np.testing.assert_allclose(times_s[:, 0], np.arange(math.ceil((end_s - start_s) * 2 - 1e-6)) / 2, atol=1e-9)
        assert times_s[-1, 1] == pytest.approx(end_s - start_s)
        words = features_of(together, named("speech_light"), video)
        spoken = [second for second in range(LENGTH_S) if start_s <= second + 0.1 < end_s]
        assert words.extras["text"].tolist() == [f"w{second}" for second in spoken]
        np.testing.assert_allclose(words.times_s[:, 0], np.array(spoken) + 0.1 - start_s, atol=2e-3)


def shown(group, need):
    """How many frames of each video or clip are shown, as it is decoded piece by piece."""
    numbers: dict[tuple[float, ...], int] = {}
    for some in pieces_of(group):
        piece = piece_of(some)
        views = decode_piece(piece, probe(some[0].todo[0]), [{need} for _ in some])
        for segment, view in zip(piece.segments, views, strict=True):
            numbers[segment.clip_s] = numbers.get(segment.clip_s, 0) + len(view[need].view.starts)
    return numbers


def test_twenty_overlapping_clips_cost_no_more_decoded_frames_than_the_file_once(film, monkeypatch):
    need, whole = FrameNeed(10.0, size_px=(8, 8)), video_of(film)
    many = [(*clip_of(film, second, second + 9.0, whole), ()) for second in (np.arange(20) * 1.8).tolist()]
    frames = counted(monkeypatch)
    assert shown([(film, whole, ())], need) == {(): 10 * LENGTH_S}
    once = len(frames)
    frames.clear()
    assert shown(many, need) == {video.span_s: 90 for _, video, _ in many}
    assert once >= 10 * LENGTH_S
    assert 0 < len(frames) <= once


def test_pieces_in_which_no_clip_lies_are_not_decoded(film, monkeypatch):
    frames, need = counted(monkeypatch), FrameNeed(10.0, size_px=(8, 8))
    assert shown([(*clip_of(film, 40.0, 42.0), ())], need) == {(40.0, 42.0): 20}
    # The first frame is decoded whenever the file is looked into; of the clip some more, between frames and ahead.
    assert len(frames) < 20 + 2 * cursor.DELAY + 10


def cut_out(path: Path, to: Path, start_s: float, end_s: float) -> Path:
    """The packets of the picture between two key frames, with times from 0: nothing is encoded anew."""
    with av.open(str(path)) as source, av.open(str(to), "w") as output:
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.pts is not None and start_s - 1e-3 <= float(packet.pts * packet.time_base) < end_s - 1e-3:
                shift = round(start_s / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
                output.mux(packet)
    return to


@pytest.mark.parametrize(("name", "span"), [("rgb_light", (3.0, 6.0)), ("flow_light", (29.0, 34.0))])
def test_features_of_a_clip_are_those_of_a_file_that_holds_only_its_frames(film, tmp_path, name, span):
    """An expert that compares all frames that it is shown at once, as rgb_light does, is shown a piece of the file."""
    own = cut_out(film, tmp_path / "own.mkv", *span)
    clip, file = clip_of(film, *span), (own, video_of(own))
    assert file[1].duration_s == pytest.approx(span[1] - span[0], abs=2e-3)
    run_pass([named(name)], [clip, file], tmp_path)
    found, expected = (features_of(tmp_path, named(name), video) for _, video in (clip, file))
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_allclose(found.times_s, expected.times_s, atol=2e-3)


@pytest.mark.parametrize("rate_hz", [AUDIO_HZ, 16000])
def test_sound_of_a_clip_is_that_of_a_file_that_holds_only_it(tmp_path, rate_hz):
    """Sample by sample where nothing is resampled, and apart from the edges where it is."""
    rng = np.random.default_rng(0)
    samples = np.cumsum(rng.normal(size=6 * AUDIO_HZ)).astype(np.float32)
    samples *= 0.5 / np.abs(samples).max()
    options = {"fps": 10, "sound_codec": "pcm_f32le"}
    film = make_clip(tmp_path / "film.mkv", seconds=6, sound=samples, **options)
    own = make_clip(tmp_path / "own.mkv", seconds=3, sound=samples[2 * AUDIO_HZ : 5 * AUDIO_HZ], **options)
    need = AudioNeed(rate_hz, 1.0, 0.5)
    found, _ = audio_view(film, need, (-2.0, 30.0), clip_s=(2.0, 5.0))
    expected, _ = audio_view(own, need, (0.0, 32.0))
    np.testing.assert_allclose(found.times_s, expected.times_s, atol=2e-3)
    inside = slice(0, 3 * rate_hz) if rate_hz == AUDIO_HZ else slice(rate_hz // 50, 3 * rate_hz - rate_hz // 50)
    np.testing.assert_allclose(found.samples[inside], expected.samples[inside], atol=2e-3)
    assert not found.samples[3 * rate_hz :].any(), "nothing is heard after the end"


def test_a_clip_after_the_picture_has_ended_has_no_picture_and_is_no_failure(tmp_path):
    path = make_clip(tmp_path / "a.mkv", fps=10, seconds=3, sound=tone(8.0))
    clip = clip_of(path, 5.0, 7.0)
    run_pass([named("rgb_light"), named("audio_light")], [clip], tmp_path)
    row = row_of(tmp_path, named("rgb_light"), clip[1])
    assert (row.count, row.failed, row.reason) == (0, False, "no picture in these seconds")
    assert row_of(tmp_path, named("audio_light"), clip[1]).count == 2


def todo_of(*spans, path=Path("a.mp4"), duration_s=100.0):
    return [
        (path, Video(f"{span}", f"{span}", "", (), span[1] - span[0] if span else duration_s, True, True, False,
                     file="a.mp4" if span else "", span_s=span), ())
        for span in spans
    ]  # fmt: skip


def shares(group):
    return [[(one.todo[1].span_s, one.piece, one.index, one.num_segments) for one in some] for some in pieces_of(group)]


def test_each_piece_of_a_file_has_all_that_lies_in_it():
    assert shares(todo_of((40.0, 70.0), (0.0, 5.0), (200.0, 201.0))) == [
        [((0.0, 5.0), 0, 0, 1)],
        [((40.0, 70.0), 1, 0, 2)],
        [((40.0, 70.0), 2, 1, 2)],
        [((200.0, 201.0), 6, 0, 1)],
    ]
    assert shares(todo_of((), (31.0, 32.0))) == [
        [((), 0, 0, 4), ((31.0, 32.0), 0, 0, 1)],
        [((), 1, 1, 4)],
        [((), 2, 2, 4)],
        [((), 3, 3, 4)],
    ]


def test_the_seconds_of_the_shares_of_a_clip_add_up_to_its_length():
    for span in [(3.3, 77.7), (0.0, 32.0), (31.999, 32.001)]:
        lengths_s = [share.video_s for some in pieces_of(todo_of(span)) for share in some]
        assert sum(lengths_s) == pytest.approx(span[1] - span[0])


def test_many_clips_in_one_piece_are_several_jobs(monkeypatch):
    monkeypatch.setattr(pieces, "MOST_S", 64.0)
    group = todo_of(*[(second / 10, 32.0) for second in range(5)])
    assert [len(some) for some in pieces_of(group)] == [2, 2, 1]


def test_clips_that_follow_one_another_are_grouped_by_their_file():
    todo = todo_of((0.0, 1.0), (2.0, 3.0)) + todo_of((), path=Path("b.mp4")) + todo_of((5.0, 6.0))
    assert [len(group) for group in grouped(todo)] == [2, 1, 1]
    (piece,) = (piece_of(some) for some in pieces_of(todo[:2]))
    assert [segment.clip_s for segment in piece.segments] == [(0.0, 1.0), (2.0, 3.0)]
    assert piece.segments[0].span_s == (0.0, segments.SEGMENT_S)
