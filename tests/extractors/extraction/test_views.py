import dataclasses
import errno
import math
import pickle
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import registry
from extractors.base import AudioNeed, FrameNeed, NameNeed, SubtitleNeed
from extractors.extraction import frame_grid, frame_views, segments, views
from extractors.extraction.segments import SEGMENT_S, Segment, num_segments
from extractors.extraction.views import prepare_segment
from extractors.registry import ExpertId
from pipeline.errors import DecodeError
from pipeline.media.video import VideoInfo, probe
from tests.clips import AUDIO_HZ, make_clip, number_in, numbered, write_srt
from tests.pipeline.media.sample_frames import KR_KB, rgb_by_formula


class Recorder:
    """An extractor that keeps its view, and returns the number in each frame, the samples, or the words."""

    def __init__(self, need):
        self.need = need

    def prepare(self, view):
        self.view = view
        match self.need:
            case FrameNeed():
                windows = [view.frames[start : start + view.window] for start in view.starts]
                return np.array([[number_in(frame) for frame in window] for window in windows])
            case AudioNeed():
                return np.array([view.samples[start : start + view.window] for start in view.starts])
        return view.words


@pytest.fixture
def show(monkeypatch):
    """(path, need, segment) -> what an expert with that need gets."""
    extractors = {}
    monkeypatch.setattr(registry, "rebuild", lambda expert: extractors[expert.name])
    views._cached_probe.cache_clear()

    def run(path, *needs, index=0):
        ids = []
        for number, need in enumerate(needs):
            extractors[str(number)] = Recorder(need)
            ids.append(ExpertId(str(number), "fake", None))
        got = prepare_segment(Segment(path, "key", index, tuple(ids)))
        run.views = [extractor.view for extractor in extractors.values() if hasattr(extractor, "view")]
        return [got[expert.name] for expert in ids] if len(needs) > 1 else got["0"]

    return run


@pytest.fixture(scope="module")
def ten_fps(tmp_path_factory):
    """3.5 seconds, 10 frames a second: frame number n is shown from n / 10 s on."""
    return make_clip(tmp_path_factory.mktemp("ten") / "ten.mp4", fps=10, seconds=3.5)


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    """70 seconds, 2 frames a second: three segments."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    picture = lambda index: numbered(index, (64, 40))  # noqa: E731
    return make_clip(path, size=(64, 40), fps=2, seconds=70, picture=picture, gop=40)


def whole_items(length, window, stride):
    """The formula: grid indices of the items of a video with `length` grid points."""
    if length <= window:
        return [[min(index, length - 1) for index in range(window)]]
    return [list(range(start, start + window)) for start in range(0, length - window + 1, stride)]


@pytest.mark.parametrize("fps", [0.2, 1.0, 2.0, 2.5, 5.0, 10.0, 20.0])
def test_frames_lie_on_the_grid_of_their_rate(ten_fps, show, fps):
    got = show(ten_fps, FrameNeed(fps))
    times_s = np.arange(math.ceil(3.5 * fps)) / fps
    assert got.items[:, 0].tolist() == [int(time_s * 10 + 1e-6) for time_s in times_s]
    np.testing.assert_allclose(got.times_s[:, 0], times_s, atol=1e-6)
    np.testing.assert_allclose(got.times_s[:, 1], np.minimum(times_s + 1 / fps, 3.5), atol=1e-6)
    assert (got.note, got.failed) == ("", False)


@pytest.mark.parametrize(
    ("window", "stride"), [(1, 1), (1, 4), (5, 5), (9, 8), (9, 3), (35, 35), (34, 1), (36, 1), (64, 16)]
)
def test_windows_are_whole_and_follow_their_stride(ten_fps, show, window, stride):
    got = show(ten_fps, FrameNeed(10.0, window=window, stride=stride))
    wanted = whole_items(35, window, stride)
    assert got.items.tolist() == wanted
    starts_s = np.arange(len(wanted)) * stride / 10
    np.testing.assert_allclose(got.times_s[:, 0], starts_s, atol=1e-6)
    np.testing.assert_allclose(got.times_s[:, 1], np.minimum(starts_s + window / 10, 3.5), atol=1e-6)


def test_a_variable_rate_is_sampled_by_its_times(tmp_path, show):
    shown_from_s = np.array([0, 0.2, 0.4, 1.5, 1.6, 1.7, 3.0])
    path = make_clip(tmp_path / "vfr.mp4", times_s=shown_from_s, sound=None)
    got = show(path, FrameNeed(2.0))
    wanted_s = np.arange(math.ceil(probe(path).end_s * 2 - 1e-6)) / 2
    assert len(wanted_s) >= 7
    assert got.items[:, 0].tolist() == [int(np.sum(shown_from_s <= at_s + 1e-6)) - 1 for at_s in wanted_s]


def test_a_picture_that_begins_late_is_sampled_from_its_first_frame(tmp_path, show):
    path = make_clip(tmp_path / "late.mkv", times_s=1 + np.arange(20) / 10, fps=10)
    got = show(path, FrameNeed(2.0))
    assert got.items[:, 0].tolist() == [0, 5, 10, 15]
    np.testing.assert_allclose(got.times_s[:, 0], 1 + np.arange(4) / 2, atol=2e-3)


@pytest.mark.parametrize(
    "need",
    [
        FrameNeed(2.0),
        FrameNeed(0.3),
        FrameNeed(2.0, window=9, stride=8),
        FrameNeed(2.0, window=5),
        FrameNeed(1.0, window=80),
    ],
)
def test_segments_together_show_what_one_look_would(long_clip, show, monkeypatch, need):
    pieces = [show(long_clip, need, index=index) for index in range(3)]
    monkeypatch.setattr(segments, "SEGMENT_S", 128.0)
    whole = show(long_clip, need)
    assert len(pieces[1].items) or need.window == 80
    together = [piece.items for piece in pieces if len(piece.items)]
    np.testing.assert_array_equal(np.concatenate(together), whole.items)
    np.testing.assert_allclose(np.concatenate([piece.times_s for piece in pieces]), whole.times_s, atol=1e-9)
    wanted = whole_items(math.ceil(70 * need.fps), need.window, need.stride)
    assert whole.items.tolist() == [[int(at / need.fps * 2 + 1e-6) for at in item] for item in wanted]


def test_with_a_margin_the_ends_of_the_video_are_repeated_in_any_cutting(long_clip, show, monkeypatch):
    need = FrameNeed(2.0, window=9, stride=4, margin=3)
    pieces = [show(long_clip, need, index=index) for index in range(3)]
    monkeypatch.setattr(segments, "SEGMENT_S", 128.0)
    whole = show(long_clip, need)
    np.testing.assert_array_equal(np.concatenate([piece.items for piece in pieces]), whole.items)
    padded = np.pad(np.arange(140), (3, 9), mode="edge")
    assert whole.items.tolist() == [padded[start : start + 9].tolist() for start in range(0, 140, 4)]
    starts_s = np.arange(0, 70, 2.0)
    np.testing.assert_allclose(whole.times_s, np.stack([starts_s, np.minimum(starts_s + 2, 70)], axis=1))


@settings(max_examples=100, deadline=None)
@given(
    st.floats(0.01, 100),
    st.sampled_from([1.0, 23.976, 25.0]),
    st.integers(1, 64),
    st.integers(0, 40),
    st.sampled_from([0.0, 1.5]),
)
def test_with_a_margin_every_frame_is_in_the_middle_of_one_item(length_s, fps, stride, margin, begin_s):
    need = FrameNeed(fps, window=stride + 2 * margin, stride=stride, margin=margin)
    info = info_of(begin_s + length_s, begin_s)
    spans = [(index * SEGMENT_S, (index + 1) * SEGMENT_S) for index in range(num_segments(info.duration_s))]
    grids = [frame_grid.grid_of(need, info, span) for span in spans]
    length = max(1, math.ceil(length_s * fps - 1e-6))
    starts = np.concatenate([grid.starts for grid in grids])
    assert (starts + margin).tolist() == list(range(0, length, stride))
    times_s = np.concatenate([grid.times_of(grid.starts, info) for grid in grids])
    assert times_s[0, 0] == begin_s
    assert times_s[-1, 1] == info.end_s
    np.testing.assert_allclose(times_s[1:, 0], times_s[:-1, 1], atol=1e-9)
    for grid in grids:
        assert not len(grid.times_s) or grid.first == max(0, grid.starts[0])
        assert len(grid.times_s) <= SEGMENT_S * fps + need.window + stride + 1, "memory is bounded"


def info_of(length_s, begin_s=0.0):
    """A video that lasts from `begin_s` to `length_s`."""
    return VideoInfo(np.array([begin_s]), length_s, length_s, 64, 48, False, False, "")


@settings(max_examples=200, deadline=None)
@given(
    st.floats(0.01, 200),
    st.sampled_from([0.5, 1.0, 2.0, 8.0, 23.976, 25.0, 29.97]),
    st.integers(1, 64),
    st.integers(1, 70),
    st.sampled_from([0.0, 0.02, 1.5]),
)
def test_every_item_lies_in_exactly_one_segment(length_s, fps, window, stride, begin_s):
    need = FrameNeed(fps, window=window, stride=stride)
    info = info_of(begin_s + length_s, begin_s)
    starts = []
    for index in range(num_segments(info.duration_s)):
        grid = frame_grid.grid_of(need, info, (index * SEGMENT_S, (index + 1) * SEGMENT_S))
        starts += grid.starts.tolist()
        if len(grid.starts):
            assert grid.first == grid.starts[0]
            assert len(grid.times_s) <= SEGMENT_S * fps + max(window, stride) + 1, "memory is bounded"
            assert grid.times_s[-1] < info.end_s
    length = max(1, math.ceil(length_s * fps - 1e-6))
    assert starts == [item[0] for item in whole_items(length, window, stride)]


@pytest.mark.parametrize(
    ("duration_s", "count"),
    [(0.0, 1), (0.04, 1), (31.9, 1), (32.0, 1), (32.00001, 1), (32.1, 2), (64.0, 2), (3600.0, 113)],
)
def test_a_video_has_a_segment_for_each_32_seconds(duration_s, count):
    assert num_segments(duration_s) == count


def test_views_of_several_needs_are_each_cut_from_the_native_frame(ten_fps, show):
    alone = {}
    needs = [FrameNeed(2.0, 60), FrameNeed(5.0, 60), FrameNeed(2.0, 30), FrameNeed(2.0), FrameNeed(2.0, 240)]
    for need in needs:
        show(ten_fps, need)
        alone[need] = show.views[0]
    show(ten_fps, *needs)
    for need, view in zip(needs, show.views, strict=True):
        np.testing.assert_array_equal(view.frames, alone[need].frames)
        short_px = need.short_px or 120
        assert view.frames.shape[1:] == (short_px, short_px * 160 // 120, 3)


def test_the_native_frame_is_that_of_the_video(ten_fps, show):
    from pipeline.media.video import frames_at

    show(ten_fps, FrameNeed(10.0))
    info = probe(ten_fps)
    native = np.stack([frame for _, frame in frames_at(ten_fps, info.frame_times_s, info)])
    np.testing.assert_array_equal(show.views[0].frames, native)


def test_a_resize_is_the_mean_over_the_area(tmp_path, show):
    """Half the size: each pixel is the mean of four, computed here with numpy of the levels that the file holds."""

    def ramp(index):
        y, x = np.mgrid[:120, :160]
        return np.stack([x, y, 255 - x], -1).astype(np.uint8)

    path = make_clip(tmp_path / "a.mp4", seconds=0.2, sound=None, picture=ramp, pixels="yuv444p")
    show(path, FrameNeed(5.0, 60))
    with av.open(str(path)) as container:
        planes = next(container.decode(video=0)).to_ndarray().astype(np.float64)
    means = planes.reshape(3, 60, 2, 80, 2).mean(axis=(2, 4))
    expected = rgb_by_formula(*means, *KR_KB[5], False).transpose(1, 2, 0)
    np.testing.assert_allclose(show.views[0].frames[0], expected, atol=1.01)


def test_a_cut_file_shows_what_is_left_and_says_so(tmp_path, show):
    path = make_clip(tmp_path / "whole.mp4", seconds=4, options={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    left = len(probe(path).frame_times_s)
    got = show(path, FrameNeed(25.0))
    assert left - 3 <= len(got.items) <= left + 1
    assert "of 100 frames are in the file" in got.note or "sampled frames decode" in got.note
    assert not got.failed


def test_items_with_a_frame_that_does_not_decode_are_left_out(ten_fps, show, monkeypatch):
    shown_at = frame_views.shown_at
    monkeypatch.setattr(
        frame_views, "shown_at", lambda *args: (item for item in shown_at(*args) if item[0] not in {3, 17})
    )
    got = show(ten_fps, FrameNeed(10.0, window=4, stride=2))
    wanted = [item for item in whole_items(35, 4, 2) if not {3, 17} & set(item)]
    assert got.items.tolist() == wanted
    np.testing.assert_allclose(got.times_s[:, 0], [item[0] / 10 for item in wanted], atol=1e-6)
    assert (got.note, got.failed) == ("32 of 34 sampled frames decode", False)


@pytest.mark.parametrize("window", [1, 4])
def test_no_frame_that_decodes_is_a_failure(ten_fps, show, monkeypatch, window):
    monkeypatch.setattr(frame_views, "shown_at", lambda *args: iter(()))
    got = show(ten_fps, FrameNeed(10.0, window=window))
    assert (len(got.items), got.failed, got.note) == (0, True, "0 of 35 sampled frames decode")


@pytest.mark.parametrize("error", [IndexError("out of range"), ValueError("no match"), DecodeError("damaged")])
@pytest.mark.parametrize("part", [("shown_at", 0), ("audio_view", 1), ("words_between", 2)])
def test_a_fault_in_a_part_of_a_video_costs_the_needs_that_it_meets(ten_fps, show, monkeypatch, part, error):
    def broken(*args, **how):
        raise error

    needs = [FrameNeed(1.0), AudioNeed(8000, 1.0, 1.0), SubtitleNeed()]
    whole = show(ten_fps, *needs)
    monkeypatch.setattr(frame_views if part[0] == "shown_at" else views, part[0], broken)
    for number, (found, before) in enumerate(zip(show(ten_fps, *needs), whole, strict=True)):
        if number == part[1]:
            why = str(error) if isinstance(error, DecodeError) else f"{type(error).__name__}: {error}"
            assert (len(found.items), found.failed, found.note) == (0, True, why)
        else:
            assert (found.failed, found.note) == (False, "")
            np.testing.assert_array_equal(found.items, before.items)


def test_a_fault_in_the_frames_of_one_need_costs_no_other(ten_fps, show, monkeypatch):
    resize = frame_views.resize_shown

    def broken(frame, settings):
        if settings.short_px == 50:
            raise ValueError("not to 50 pixels")
        return resize(frame, settings)

    monkeypatch.setattr(frame_views, "resize_shown", broken)
    good = FrameNeed(2.0, short_px=60)
    alone = show(ten_fps, good)
    found, failed = show(ten_fps, good, FrameNeed(2.0, short_px=50))
    np.testing.assert_array_equal(found.items, alone.items)
    assert (found.failed, found.note) == (False, "")
    assert (len(failed.items), failed.failed, failed.note) == (0, True, "ValueError: not to 50 pixels")


@pytest.mark.parametrize("error", [MemoryError, ImportError])
@pytest.mark.parametrize("part", ["shown_at", "audio_view", "words_between"])
def test_a_fault_of_the_machine_is_raised(ten_fps, show, monkeypatch, part, error):
    def faulty(*args):
        raise error

    monkeypatch.setattr(frame_views if part == "shown_at" else views, part, faulty)
    with pytest.raises(error):
        show(ten_fps, FrameNeed(1.0), AudioNeed(8000, 1.0, 1.0), SubtitleNeed())


def test_ffmpeg_that_lacks_memory_for_a_damaged_file_costs_that_need_only(ten_fps, show, monkeypatch):
    def faulty(*args):
        raise av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(views, "audio_view", faulty)
    frames, sound = show(ten_fps, FrameNeed(1.0), AudioNeed(8000, 1.0, 1.0))
    assert len(frames.items) > 0 and sound.failed and "Cannot allocate memory" in sound.note


def test_a_file_that_is_no_video_is_told(tmp_path, show):
    (tmp_path / "x.mp4").write_text("no video")
    with pytest.raises(DecodeError, match=r"x\.mp4: Invalid data"):
        show(tmp_path / "x.mp4", FrameNeed(1.0))


def test_missing_streams_are_told_and_are_no_failure(tmp_path, show):
    mute = make_clip(tmp_path / "mute.mp4", sound=None, seconds=0.4)
    sound = make_clip(tmp_path / "sound.mp4", codec="", seconds=0.4)
    needs = [FrameNeed(5.0), AudioNeed(16000, 0.96, 0.96), SubtitleNeed()]
    frames, samples, words = show(mute, *needs)
    assert (len(frames.items), samples.note, samples.failed, len(words.items)) == (2, "no audio stream", False, 0)
    frames, samples, words = show(sound, *needs)
    assert (frames.note, frames.failed, len(samples.items), len(words.items)) == ("no video stream", False, 1, 0)


def test_sound_that_does_not_decode_is_a_failure_of_that_need_only(tmp_path, show):
    path = make_clip(tmp_path / "a.mkv", fps=10, seconds=1)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    frames, samples = show(path, FrameNeed(2.0), AudioNeed(8000, 1.0, 1.0))
    assert (len(frames.items), frames.failed) == (2, False)
    assert (samples.failed, samples.note) == (True, "the audio stream cannot be decoded")


def test_words_belong_to_the_segment_in_which_they_begin(long_clip, show, tmp_path):
    path = tmp_path / "long.mp4"
    path.symlink_to(long_clip)
    write_srt(
        tmp_path / "long.srt", [("a", 0, 1), ("b c", 31.5, 32.5), ("d", 63.999, 65), ("e", 64, 64.5), ("f", 69, 69.5)]
    )
    got = [show(path, SubtitleNeed(), index=index) for index in range(3)]
    assert [piece.items.tolist() for piece in got] == [["a", "b"], ["c", "d"], ["e", "f"]]
    np.testing.assert_allclose(got[0].times_s, [[0, 1], [31.5, 32.0]], atol=1e-6)


def test_the_name_of_a_video_is_shown_once_with_all_its_times(long_clip, show):
    first, *others = [show(long_clip, NameNeed(), index=index) for index in range(3)]
    assert first.items.tolist() == [f"0.0 {long_clip.as_posix()}"]
    assert first.times_s.tolist() == [[0, probe(long_clip).duration_s]]
    assert [len(other.items) for other in others] == [0, 0]


def test_words_after_the_end_are_not_in_the_video(ten_fps, show, tmp_path):
    path = tmp_path / "ten.mp4"
    path.symlink_to(ten_fps)
    write_srt(tmp_path / "ten.srt", [("in time", 1, 2), ("overlong", 3, 9), ("too late", 4, 5)])
    got = show(path, SubtitleNeed())
    assert got.items.tolist() == ["in", "time", "overlong"]
    assert got.times_s[-1].tolist() == [3.0, pytest.approx(3.5, abs=0.05)]


def test_subtitles_that_cannot_be_read_are_a_failure_of_that_need_only(ten_fps, show, tmp_path):
    path = tmp_path / "ten.mp4"
    path.symlink_to(ten_fps)
    (tmp_path / "ten.srt").write_bytes(bytes(range(256)) * 8)
    frames, words = show(path, FrameNeed(1.0), SubtitleNeed())
    assert len(frames.items) == 4
    assert words.failed
    assert words.note.startswith("ten.srt: ")


def test_the_packets_of_a_video_are_read_once_for_all_its_segments(long_clip, show, monkeypatch):
    probed = []
    monkeypatch.setattr(views, "probe", lambda path, **how: probed.append(path) or probe(path, **how))
    for index in range(3):
        show(long_clip, FrameNeed(1.0), index=index)
    assert probed == [long_clip]


def test_a_segment_after_the_picture_has_ended_has_no_frames(tmp_path, show):
    path = make_clip(tmp_path / "a.mp4", seconds=1, sound=np.zeros(40 * AUDIO_HZ, np.float32))
    frames, samples = show(path, FrameNeed(1.0), AudioNeed(8000, 1.0, 1.0), index=1)
    assert (len(frames.items), frames.failed, frames.note) == (0, False, "")
    assert len(samples.items) == 8


def test_segment_jobs_are_plain_and_small():
    segment = Segment(Path("/x/y.mp4"), "key", 3, (ExpertId("a", "b", None),))
    assert pickle.loads(pickle.dumps(segment)) == segment
    assert dataclasses.replace(segment, is_retry=True) != segment


WITHOUT = {
    "torch",
    "pydantic",
    "yaml",
    "zarr",
    "numcodecs",
    "scipy",
    "onnx",
    "numpy.ma",
    "importlib.metadata",
    "luigi",
}

SOUND_ALONE = f"""
import sys
from pathlib import Path
from extractors.extraction.segments import Piece, Segment
from extractors.extraction.views import prepare_piece
from extractors.registry import ExpertId
from extractors.vggish import Params

vggish = ExpertId("vggish", "vggish", Params())
((_, found),) = prepare_piece(Piece((Segment(Path(sys.argv[1]), "key", 0, (vggish,)),)))[0].items()
print(found.items.shape, sorted({WITHOUT!r} & sys.modules.keys()))
"""


def test_sound_is_decoded_and_cut_without_the_libraries_of_configs_stores_and_networks(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=2.0)
    done = subprocess.run(
        [sys.executable, "-c", SOUND_ALONE, str(clip)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout == "(2, 96, 64) []\n"
