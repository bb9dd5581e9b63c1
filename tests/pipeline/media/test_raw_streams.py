import numpy as np
import pytest

from pipeline.media.container import open_container
from pipeline.media.raw_streams import demux, is_raw
from pipeline.media.video import frames_at, probe
from tests.clips import make_clip, number_in

RAW = {"clip.h264": {}, "clip.264": {}, "clip.hevc": {"codec": "libx265"}}


@pytest.mark.parametrize("name", RAW)
def test_a_raw_stream_has_a_frame_each_25th_of_a_second_in_the_order_in_which_they_are_shown(tmp_path, name):
    path = raw(tmp_path, name, **RAW[name])
    info = probe(path)
    np.testing.assert_allclose(info.frame_times_s, np.arange(100) / 25)
    assert (info.end_s, info.note) == (pytest.approx(4.0), "")
    for times_s in (np.arange(0, 4, 0.2), np.array([3.2, 3.96])):
        shown = {round(float(times_s[at]) * 25): number_in(pixels) for at, pixels in frames_at(path, times_s, info)}
        assert shown == {round(time_s * 25): round(time_s * 25) for time_s in times_s.tolist()}


def test_its_packets_are_in_the_order_of_the_file_with_the_times_of_the_screen(tmp_path):
    with open_container(raw(tmp_path, "clip.h264")) as container:
        assert is_raw(container)
        packets = list(demux(container, container.streams.video[0]))
    assert packets.pop().size == 0, "which ends the decoder"
    shown = [packet.pts // packet.duration for packet in packets]
    assert sorted(shown) == list(range(100))
    assert shown != sorted(shown), "B-frames come after the frame that they are shown before"
    assert all(packet.dts <= packet.pts for packet in packets)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts", "clip.m2v"])
def test_other_packets_are_as_they_come(tmp_path, name):
    path = make_clip(tmp_path / name, codec="mpeg2video" if name == "clip.m2v" else "libx264", sound=None)
    with open_container(path) as one, open_container(path) as other:
        seen = [[(packet.pts, packet.dts, packet.size) for packet in packets] for packets in (
            demux(one, one.streams.video[0]), other.demux(other.streams.video[0]),
        )]  # fmt: skip
    assert seen[0] == seen[1]


def raw(folder, name, **more):
    """A raw stream of 100 numbered frames; FFmpeg chooses its writer by the suffix, and knows no .264."""
    path = make_clip(folder / name.replace(".264", ".h264"), seconds=4, sound=None, **more)
    return path.rename(folder / name)
