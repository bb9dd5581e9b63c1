import hashlib
import shutil

import av
import numpy as np
import pytest

from pipeline.media import cursor, decoders, left_open
from pipeline.media.video import frames_at, probe
from tests.clips import make_clip, number_in, numbered
from tests.pipeline.media.sample_clips import decoded_in_order, numbers


def test_the_pixels_are_those_of_opencv(clips):
    import cv2

    reader = cv2.VideoCapture(str(clips["h264.mp4"]))
    info = probe(clips["h264.mp4"])
    for _, picture in frames_at(clips["h264.mp4"], info.frame_times_s, info):
        np.testing.assert_array_equal(picture, reader.read()[1][:, :, ::-1])
    reader.release()


def test_seeks_land_on_the_frames_of_a_full_decode(long_clip):
    every = decoded_in_order(long_clip)
    info = probe(long_clip)
    for at_s in np.random.default_rng(5).uniform(0, 20, 12):
        times = at_s + np.array([0, 0.05, 0.3])
        for index, picture in frames_at(long_clip, times, info):
            np.testing.assert_array_equal(picture, every[min(199, int(times[index] * 10 + 1e-6))])


def test_times_outside_of_the_video_show_its_ends(long_clip):
    assert numbers(long_clip, [-5.0, -0.1, 0.0, 19.99]) == {0: 0, 1: 0, 2: 0, 3: 199}
    assert numbers(long_clip, [20.05, 30.0]) == {0: 199, 1: 199}


def test_a_time_asked_for_twice_is_answered_twice(clip):
    assert numbers(clip, [0.5, 0.5, 0.5, 0.52]) == {0: 12, 1: 12, 2: 12, 3: 13}


SHOWN = {
    "v_GGSY1Qvo990.mp4": (320, 240),
    "v_ZNVhz7ctTq0.mp4": (480, 360),
    "cve_vid1.mp4": (640, 360),
    "cve_vid2.mp4": (640, 360),
    "flipping_a_pancake.mkv": (426, 240),
    "decord_rot_90.mov": (320, 568),
    "mma_demo.mp4": (427, 256),  # 340 pixels, 64:51
    "mma_test.avi": (320, 240),
    "tc_nasa_13013.mp4": (480, 270),
    "facenet_video.mp4": (1920, 1080),
    "skv_carphone.mp4": (193, 144),  # 176 pixels, 128:117
    "mpy_bbb_0_30.webm": (1280, 720),
    "mpy_chaplin.mp4": (640, 360),
    "psd_counter.mp4": (1920, 1080),
}


def digest(picture):
    """Stands for all pixels: those of a whole video at 1080p fill gigabytes."""
    return hashlib.sha256(picture.tobytes()).digest()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_every_real_video_is_read_alike_whatever_is_left_out(media, name):
    path = media / "videos" / name
    info = probe(path)
    assert (info.width_px, info.height_px) == SHOWN[name]
    assert (info.note, info.seekable) == ("", True)
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        count = sum(1 for frame in container.decode(stream) if frame.pts is not None)
    assert abs(len(info.frame_times_s) - count) <= 1
    every = {index: digest(picture) for index, picture in frames_at(path, info.frame_times_s, info)}
    assert every.keys() == set(range(len(info.frame_times_s)))
    times = np.arange(0, info.end_s, max(0.5, info.end_s / 24))
    shown = np.maximum(np.searchsorted(info.frame_times_s, times + 1e-4, side="right") - 1, 0)
    damaged = set()
    for index, picture in frames_at(path, times, info, np.inf, damaged):
        assert digest(picture) == every[shown[index]]
    assert not damaged


def test_an_edit_list_hides_its_frames(media):
    """The file holds 179 frames, of which 134 are shown."""
    assert len(probe(media / "videos" / "cve_vid2.mp4").frame_times_s) == 134


def test_frames_that_carry_the_time_of_their_neighbour_are_shown_in_their_order(media):
    """An .avi with B-frames: each frame is found at its place in a decoding of the whole file."""
    path = media / "videos" / "mma_test.avi"
    info, every = probe(path), decoded_in_order(path)
    assert len(info.frame_times_s) == len(every)
    for times in (info.frame_times_s, info.frame_times_s[::11], info.frame_times_s[70:75]):
        at = np.searchsorted(info.frame_times_s, times)
        for index, picture in frames_at(path, times, info):
            np.testing.assert_array_equal(picture, every[at[index]])


@pytest.fixture(scope="module")
def one_key(tmp_path_factory):
    """70 seconds with a single key frame, and B-frames: more than two pieces."""
    path = tmp_path_factory.mktemp("one_key") / "one_key.mkv"
    return make_clip(path, seconds=70, fps=10, size=(64, 48), sound=None, gop=10_000)


def opened(monkeypatch):
    """The places from which files are decoded from here on."""
    places = []

    class Noted(cursor.Cursor):
        def __init__(self, path, from_s=0.0, *how):
            places.append(from_s)
            super().__init__(path, from_s, *how)

    monkeypatch.setattr(decoders, "Cursor", Noted)
    return places


@pytest.mark.parametrize("fps", [0.5, 1.0, 10.0])
def test_a_file_with_one_key_frame_is_decoded_once_piece_after_piece(one_key, monkeypatch, fps):
    info = probe(one_key)
    assert not info.seekable
    places = opened(monkeypatch)
    times = np.arange(0, 70, 1 / fps)
    for start_s in (0.0, 32.0, 64.0):
        # Windows reach beyond the piece in which they start.
        piece = times[(times >= start_s) & (times < start_s + 36)]
        seen = {i: number_in(picture) for i, picture in frames_at(one_key, piece, info, start_s + 32.0)}
        assert seen == {i: min(699, int(time_s * 10 + 1e-6)) for i, time_s in enumerate(piece)}
    assert places == [0.0]
    left_open.close()


def test_the_pieces_of_a_file_that_is_read_in_order_may_come_in_any_order(one_key):
    info = probe(one_key)
    for start_s, fps in ((64.0, 1.0), (32.0, 5.0), (32.0, 1.0), (0.0, 1.0), (64.0, 5.0)):
        times = start_s + np.arange(0, 5, 1 / fps)
        seen = [number_in(picture) for _, picture in frames_at(one_key, times, info, start_s + 32.0)]
        assert seen == [int(time_s * 10 + 1e-6) for time_s in times]
    left_open.close()


def test_a_file_that_was_replaced_is_not_read_on(tmp_path, one_key):
    path = tmp_path / "a.mkv"
    shutil.copy(one_key, path)
    list(frames_at(path, np.arange(0, 5.0), probe(path), 32.0))
    make_clip(path, seconds=70, fps=10, size=(64, 48), sound=None, gop=10_000, picture=lambda i: numbered(7, (64, 48)))
    ((_, picture),) = frames_at(path, np.array([40.0]), probe(path))
    assert number_in(picture) == 7


def test_a_seek_beyond_the_only_key_frame_of_a_stream_is_no_end(tmp_path):
    path = make_clip(tmp_path / "a.ts", seconds=4, fps=10, size=(64, 48), sound=None, gop=10_000)
    info = probe(path)
    first_s = info.frame_times_s[0]
    seen = {i: number_in(picture) for i, picture in frames_at(path, first_s + np.array([2.55, 3.05]), info)}
    assert seen == {0: 25, 1: 30}


def test_what_an_open_file_keeps_is_bounded(one_key, monkeypatch):
    """With more frames than may be kept it is decoded anew, and shows the same."""
    monkeypatch.setattr(cursor, "KEPT_BYTES", 5 * 64 * 48 * 1.5)
    info = probe(one_key)
    places = opened(monkeypatch)
    for start_s in (0.0, 32.0):
        times = start_s + np.arange(0, 34, 0.1)
        seen = [number_in(picture) for _, picture in frames_at(one_key, times, info, start_s + 32.0)]
        assert seen == [int(time_s * 10 + 1e-6) for time_s in times]
    assert places == [0.0, 0.0]
    left_open.close()


@pytest.mark.parametrize("name", ["h264.mp4", "h264.ts", "hevc.mp4", "vp9.webm", "av1.mp4", "mpeg4.avi", "picture.gif"])
def test_leaving_out_frames_changes_none_that_is_wanted(clips, name, monkeypatch):
    info = probe(clips[name])
    skipped = []
    want_only = cursor.Cursor.want_only
    monkeypatch.setattr(
        cursor.Cursor, "want_only", lambda self, needed: skipped.append(needed is not None) or want_only(self, needed)
    )
    every = decoded_in_order(clips[name])
    for at in range(0, len(every), 9):
        ((_, picture),) = frames_at(clips[name], info.frame_times_s[at : at + 1], info)
        whole = dict(frames_at(clips[name], info.frame_times_s, info))
        np.testing.assert_array_equal(picture, whole[at])
    sparse = np.array([info.frame_times_s[0], info.frame_times_s[-1]])
    seen = [picture for _, picture in frames_at(clips[name], sparse, info)]
    np.testing.assert_array_equal(seen[1], whole[len(every) - 1])
    assert info.comes_in_order == (name in ("vp9.webm", "av1.mp4"))
    assert skipped[-1] == ((len(every) >= 16 or info.tells_times) and not info.comes_in_order)


def without_shown_times(source, target):
    """The video of the source, the packets of which tell when they are decoded alone."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.size:
                packet.pts, packet.stream = packet.dts, stream
                written.mux(packet)


@pytest.fixture(scope="module")
def reordered(tmp_path_factory):
    """Four seconds with two B-frames between others, no key frame but the first, and nothing that stands still."""
    folder = tmp_path_factory.mktemp("reordered")
    path = make_clip(folder / "h264.mp4", seconds=4, sound=None, gop=1000)
    make_clip(folder / "hevc.mkv", seconds=1, sound=None, codec="libx265", encoder={"x265-params": "log-level=none"})
    make_clip(folder / "fields.mp4", seconds=1, sound=None, encoder={"x264-params": "interlaced=1"})
    make_clip(folder / "in_order.mp4", seconds=1, sound=None, encoder={"bf": "0"})
    without_shown_times(path, folder / "untold.mp4")
    return folder


def came(monkeypatch):
    """The times of the frames that are decoded from here on."""
    times_s = []

    class Noted(cursor.Cursor):
        def __next__(self):
            shot = super().__next__()
            times_s.append(shot.time_s)
            return shot

    monkeypatch.setattr(decoders, "Cursor", Noted)
    return times_s


@pytest.mark.parametrize("stride", [2, 3, 5, 7])
@pytest.mark.parametrize("name", ["h264.mp4", "hevc.mkv"])
def test_where_packets_tell_the_times_of_their_frames_no_neighbours_are_decoded(reordered, monkeypatch, name, stride):
    info, every = probe(reordered / name), decoded_in_order(reordered / name)
    assert info.tells_times
    decoded_s = came(monkeypatch)
    for first in range(stride):
        wanted = np.arange(first, len(every), stride)
        seen = dict(frames_at(reordered / name, info.frame_times_s[wanted], info))
        np.testing.assert_array_equal([seen[index] for index in range(len(wanted))], [every[at] for at in wanted])
    assert len(decoded_s) < 0.9 * stride * len(every)


@pytest.mark.parametrize("name", ["untold.mp4", "fields.mp4", "in_order.mp4"])
def test_what_packets_do_not_tell_for_certain_is_not_relied_on(reordered, name):
    info, every = probe(reordered / name), decoded_in_order(reordered / name)
    assert not info.tells_times
    for at in range(0, len(every), 4):
        ((_, picture),) = frames_at(reordered / name, info.frame_times_s[at : at + 1], info)
        assert number_in(picture) == number_in(every[at])


def test_frames_that_were_decoded_with_errors_are_told(tmp_path):
    path = make_clip(tmp_path / "damaged.mp4", seconds=4, sound=None, size=(320, 240))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xa5" * 40
    path.write_bytes(data)
    info = probe(path)
    damaged, sparsely = set(), set()
    seen = dict(frames_at(path, info.frame_times_s, info, np.inf, damaged))
    assert damaged or len(seen) < 100
    assert len(damaged) < 30
    times = info.frame_times_s[5::10]
    list(frames_at(path, times, info, np.inf, sparsely))
    assert {5 + 10 * index for index in sparsely} == damaged & set(range(5, 100, 10))
