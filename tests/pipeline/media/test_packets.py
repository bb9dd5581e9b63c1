from fractions import Fraction

import av
import numpy as np
import pytest

from pipeline.media.container import open_container, pick_video
from pipeline.media.packets import comes_in_order, read_packets, tells_times
from pipeline.media.video import frames_at, probe
from tests.clips import make_clip, number_in
from tests.pipeline.media.joined_clips import joined, piece


def read(path):
    with open_container(path) as container:
        return read_packets(container, pick_video(container))


def test_key_frames_are_found_where_they_were_made(tmp_path):
    seen = read(make_clip(tmp_path / "a.mp4", seconds=4, gop=25))
    np.testing.assert_allclose(seen.key_times_s, [0, 1, 2, 3], atol=1e-6)
    assert (seen.num_frames, seen.num_damaged, seen.num_jumps, seen.error) == (100, 0, 0, "")


@pytest.mark.parametrize(
    ("name", "encoder", "told"),
    [("a.mp4", "2", True), ("a.mkv", "2", True), ("a.ts", "2", False), ("a.mp4", "0", False)],
)
def test_packets_tell_times_where_the_container_keeps_them_and_frames_are_reordered(tmp_path, name, encoder, told):
    path = make_clip(tmp_path / name, sound=None, encoder={"bf": encoder})
    with open_container(path) as container:
        video = pick_video(container)
        assert tells_times(container, video, read_packets(container, video)) == told


def with_times(source, target, times_ms):
    """The video of the source with these times."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        packets = [packet for packet in read.demux(video=0) if packet.size]
        for place, (packet, time_ms) in enumerate(zip(packets, times_ms, strict=True)):
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts, packet.dts = time_ms, sorted(times_ms)[place] - 80
            written.mux(packet)
    return target


@pytest.mark.parametrize(
    ("name", "how", "expected"),
    [
        ("a.webm", {"codec": "libvpx-vp9"}, True),
        ("a.mp4", {"codec": "libsvtav1"}, True),
        ("shuffled.mkv", {"codec": "libvpx-vp9"}, False),
        ("a.webm", {"codec": "libvpx"}, False),  # VP8, of which frames are left out
        ("a.mp4", {"encoder": {"bf": "0"}}, False),
        ("a.mp4", {}, False),
    ],
)
def test_frames_of_vp9_and_av1_come_in_order_where_their_times_do(tmp_path, name, how, expected):
    path = make_clip(tmp_path / name, sound=None, seconds=0.4, **how)
    if name.startswith("shuffled"):
        path = with_times(path, tmp_path / "times.mkv", [0, 40, 120, 80, 160, 200, 240, 280, 320, 360])
    with open_container(path) as container:
        video = pick_video(container)
        assert comes_in_order(video, read_packets(container, video)) == expected
    assert probe(path).comes_in_order == expected


@pytest.mark.parametrize("suffix", [".ts", ".mpg", ".mkv"])
@pytest.mark.parametrize("starts_s", [[0, 20_000], [0, 0], [500, 0, 90_000]])
def test_a_joined_recording_has_the_length_and_the_frames_of_its_pieces(tmp_path, suffix, starts_s):
    if suffix == ".mkv":  # of which libavformat reads no third piece
        starts_s = starts_s[:2]
    how = {"codec": "mpeg2video", "sound_codec": "mp2"} if suffix == ".mpg" else {}
    path = joined(tmp_path / f"a{suffix}", starts_s, size=(160, 120), **how)
    info = probe(path)
    count = 50 * len(starts_s)
    assert info.duration_s == pytest.approx(count / 25, abs=0.1 * count / 25)
    assert count - 2 * len(starts_s) <= len(info.frame_times_s) <= count
    assert not info.seekable
    assert "clock of the file jumps" in info.note
    times = np.arange(0, info.end_s, 0.2)
    seen = [number_in(picture) for _, picture in frames_at(path, times, info)]
    np.testing.assert_allclose(seen, times * 25, atol=5)
    assert np.all(np.diff(seen) > 0)


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_clock_that_begins_late_counts_for_nothing(tmp_path, suffix):
    info = probe(piece(tmp_path / f"a{suffix}", 100, num=150))
    assert info.duration_s == pytest.approx(6.0, abs=0.15)
    assert info.frame_times_s[0] == pytest.approx(0.0, abs=0.1)
    assert info.seekable


def test_the_end_of_all_streams_is_told_on_the_clock_of_the_container(tmp_path):
    seen = read(make_clip(tmp_path / "a.mkv", seconds=2, subtitles=[("hi", 0.5, 9.0)]))
    assert seen.reached_s == pytest.approx(9.0, abs=0.05)
    assert seen.duration_s == pytest.approx(2.0, abs=0.05)


def test_without_a_video_stream_the_sound_has_the_duration(tmp_path):
    seen = read(make_clip(tmp_path / "a.mp4", codec="", seconds=3))
    assert (len(seen.frame_times_s), seen.end_s) == (0, 0.0)
    assert seen.duration_s == pytest.approx(3.0, abs=0.05)
