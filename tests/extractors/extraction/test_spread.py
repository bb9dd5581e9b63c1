import numpy as np
import pytest
from transformers.models.pe_video.video_processing_pe_video import PeVideoVideoProcessor
from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor
from transformers.video_utils import VideoMetadata, default_sample_indices_fn

from extractors.base import AudioNeed, FrameNeed, SpreadNeed
from extractors.extraction import frame_views, segments, views
from extractors.extraction.segments import Segment, num_segments
from extractors.extraction.spread import spread_numbers
from pipeline.media.video import probe
from tests.clips import make_clip, number_in, numbered

FPS = 10
PLACES = ["start", "middle", "ends", "nearest_ends"]


def of_numpy(num, num_frames, at):
    """The formula in floating point, as publications write it."""
    each = np.arange(num_frames)
    positions = {
        "start": each * num / num_frames,
        "middle": (each + 0.5) * num / num_frames,
        "ends": np.linspace(0, num - 1, num_frames) + 1e-9,
        "nearest_ends": np.linspace(0, num - 1, num_frames).round(),
    }
    return positions[at].astype(int)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """3.5 s, 35 frames."""
    return make_clip(tmp_path_factory.mktemp("spread") / "clip.mp4", fps=FPS, seconds=3.5)


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    """70 s, 140 frames: three segments."""
    path = tmp_path_factory.mktemp("spread") / "long.mp4"
    picture = lambda index: numbered(index, (64, 40))  # noqa: E731
    return make_clip(path, size=(64, 40), fps=2, seconds=70, picture=picture, gop=10)


def shown(path, need, *others, index=0):
    """What is decoded for a need in one segment, beside others."""
    info = probe(path)
    return views.decode_views(Segment(path, "key", index, ()), info, {need, *others})[need]


def numbers(decoded):
    return [[number_in(frame) for frame in window] for window in decoded.view.windows]


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("num_frames", [1, 2, 8, 16])
def test_the_frames_of_a_video_are_those_of_the_formula(clip, at, num_frames):
    decoded = shown(clip, SpreadNeed(num_frames, at=at))
    assert numbers(decoded) == [of_numpy(35, num_frames, at).tolist()]
    np.testing.assert_allclose(decoded.view.times_s, [[0, 3.5]], atol=1e-6)
    assert (decoded.note, decoded.failed) == ("", False)


@pytest.mark.parametrize("num", [16, 17, 100, 299, 1001])
def test_the_places_are_those_at_which_the_libraries_sample(num):
    data = VideoMetadata(total_num_frames=num, fps=25.0, duration=num / 25)
    expected = {
        "start": default_sample_indices_fn(data, num_frames=16),
        "ends": PeVideoVideoProcessor().sample_frames(data, num_frames=16),
        "nearest_ends": Qwen3VLVideoProcessor(fps=None).sample_frames(data, num_frames=16),
    }
    for at in ("start", "ends"):
        assert spread_numbers(num, 16, at).tolist() == list(expected[at])
    np.testing.assert_array_equal(np.linspace(0, num - 1, 16).round(), spread_numbers(num, 16, "nearest_ends"))


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize(("fps", "seconds", "num"), [(10, 0.1, 1), (10, 0.3, 3)])
def test_a_video_of_fewer_frames_shows_some_of_them_several_times(tmp_path, at, fps, seconds, num):
    path = make_clip(tmp_path / "short.mp4", fps=fps, seconds=seconds, sound=None)
    found = numbers(shown(path, SpreadNeed(8, at=at)))
    assert found == [of_numpy(num, 8, at).tolist()]
    assert len(found[0]) == 8


def test_each_clip_has_frames_of_its_own(clip):
    decoded = shown(clip, SpreadNeed(4, clip_s=1.0))
    expected = [(start + of_numpy(10, 4, "middle")).tolist() for start in (0, 10, 20)]
    expected.append((30 + of_numpy(5, 4, "middle")).tolist())  # half a clip is kept
    assert numbers(decoded) == expected
    np.testing.assert_allclose(decoded.view.times_s, [[0, 1], [1, 2], [2, 3], [3, 3.5]], atol=1e-6)


def test_less_than_half_a_clip_at_the_end_is_dropped_unless_it_is_all(clip):
    assert len(numbers(shown(clip, SpreadNeed(2, clip_s=1.3)))) == 3  # 3.9 to 5.2 has no frame, 2.6 to 3.9 has 0.9 s
    assert len(numbers(shown(clip, SpreadNeed(2, clip_s=3.2)))) == 1
    assert numbers(shown(clip, SpreadNeed(2, clip_s=60.0))) == [of_numpy(35, 2, "middle").tolist()]


def test_a_picture_that_begins_late_has_clips_by_the_clock_of_the_file(tmp_path):
    path = make_clip(tmp_path / "late.mkv", times_s=1.5 + np.arange(20) / 10, fps=10)
    decoded = shown(path, SpreadNeed(2, clip_s=1.0))
    first, second, third = 5, 10, 5  # frames that begin in 1 to 2, 2 to 3 and 3 to 3.5 s
    expected = [of_numpy(first, 2, "middle"), first + of_numpy(second, 2, "middle")]
    expected.append(first + second + of_numpy(third, 2, "middle"))
    assert numbers(decoded) == [one.tolist() for one in expected]
    np.testing.assert_allclose(decoded.view.times_s[:, 0], [1, 2, 3])
    whole = shown(path, SpreadNeed(4))
    assert numbers(whole) == [of_numpy(20, 4, "middle").tolist()]


@pytest.mark.parametrize("clip_s", [None, 8.0, 20.0, 50.0])
def test_segments_together_show_what_one_look_would(long_clip, monkeypatch, clip_s):
    need = SpreadNeed(6, clip_s=clip_s)
    pieces = [shown(long_clip, need, index=index).view for index in range(num_segments(70.0))]
    monkeypatch.setattr(segments, "SEGMENT_S", 128.0)
    whole = shown(long_clip, need).view
    together = [piece.windows for piece in pieces if len(piece.starts)]
    np.testing.assert_array_equal(np.concatenate(together), whole.windows)
    np.testing.assert_allclose(np.concatenate([piece.times_s for piece in pieces]), whole.times_s)
    if clip_s is None:
        assert [len(piece.starts) for piece in pieces] == [1, 0, 0]


def test_it_is_shown_the_same_alone_and_beside_others(long_clip):
    need = SpreadNeed(9, short_px=20)
    alone = shown(long_clip, need)
    beside = shown(long_clip, need, FrameNeed(2.0, 20), FrameNeed(0.5), SpreadNeed(5), AudioNeed(8000, 1.0, 1.0))
    np.testing.assert_array_equal(beside.view.frames, alone.view.frames)
    other = FrameNeed(2.0, 20)
    np.testing.assert_array_equal(shown(long_clip, other, need).view.frames, shown(long_clip, other).view.frames)


def test_frames_that_lie_far_apart_are_sought(long_clip, monkeypatch):
    asked, shown_at = [], frame_views.shown_at
    monkeypatch.setattr(
        frame_views, "shown_at", lambda path, at_s, *rest: (asked.append(len(at_s)), shown_at(path, at_s, *rest))[1]
    )
    decoded = shown(long_clip, SpreadNeed(3, at="start"))
    assert asked == [1, 1, 1]
    assert numbers(decoded) == [of_numpy(140, 3, "start").tolist()]


@pytest.mark.parametrize(("name", "options"), [("live.mkv", {"live": "1"}), ("a.ts", {}), ("raw.h264", {})])
def test_a_file_that_does_not_say_how_long_it_is_is_counted(tmp_path, name, options):
    path = make_clip(tmp_path / name, fps=FPS, seconds=2.0, sound=None, options=options)
    num = len(probe(path).frame_times_s)
    assert num in {19, 20}
    first = number_in(shown(path, FrameNeed(FPS)).view.frames[0])
    assert numbers(shown(path, SpreadNeed(5))) == [(first + of_numpy(num, 5, "middle")).tolist()]


def test_a_frame_that_does_not_decode_is_replaced_by_its_neighbour(clip, monkeypatch):
    shown_at = frame_views.shown_at
    monkeypatch.setattr(
        frame_views, "shown_at", lambda *args: (item for item in shown_at(*args) if item[0] not in {0, 2})
    )
    whole = of_numpy(35, 4, "middle").tolist()
    decoded = shown(clip, SpreadNeed(4))
    assert numbers(decoded) == [[whole[1], whole[1], whole[1], whole[3]]]
    assert (decoded.note, decoded.failed) == ("2 of 4 sampled frames decode", False)


def test_no_frame_that_decodes_is_a_failure_and_no_picture_is_none(clip, tmp_path, monkeypatch):
    sound = make_clip(tmp_path / "sound.mp4", codec="", seconds=0.4)
    assert (shown(sound, SpreadNeed(4)).view, shown(sound, SpreadNeed(4)).note) == (None, "no video stream")
    monkeypatch.setattr(frame_views, "shown_at", lambda *args: iter(()))
    decoded = shown(clip, SpreadNeed(4))
    assert (decoded.view, decoded.failed, decoded.note) == (None, True, "0 of 4 sampled frames decode")


@pytest.mark.parametrize("clip_s", [None, 8.0])
def test_a_clip_of_a_file_is_shown_its_own_frames_in_its_own_times(long_clip, clip_s):
    """From 20 to 50 s of the file, in two pieces: the frames 40 to 99."""
    need, info = SpreadNeed(5, clip_s=clip_s), probe(long_clip)
    pieces = [Segment(long_clip, "key", index, (), clip_s=(20.0, 50.0)) for index in (0, 1)]
    found = [views.decode_views(piece, info, {need})[need] for piece in pieces]
    shown_numbers = [number for one in found if len(one.view.starts) for number in numbers(one)]
    starts = [(0, 60)] if clip_s is None else [(0, 16), (16, 16), (32, 16), (48, 12)]
    assert shown_numbers == [(40 + first + of_numpy(num, 5, "middle")).tolist() for first, num in starts]
    times_s = np.concatenate([one.view.times_s for one in found])
    np.testing.assert_allclose(times_s[:, 0], [first / 2 for first, _ in starts], atol=1e-6)
    assert times_s[-1, 1] == pytest.approx(30.0)
