"""Expected: pieces of known length, made one after another, follow one another without a gap."""

import struct

import av
import numpy as np
import pytest

from pipeline.media import timeline
from pipeline.media.container import open_container, pick_video
from pipeline.media.timeline import Timeline, packets
from pipeline.media.video import probe
from tests.clips import make_clip
from tests.pipeline.media.joined_clips import joined, piece

NUM, FPS = 50, 25
"""Frames and frames a second of each piece: two seconds."""


def times_of(path, kind="video"):
    """Times of the packets of a stream in seconds, sorted, and the number of jumps that were closed."""
    with open_container(path) as container:
        stream = pick_video(container) if kind == "video" else container.streams.audio[0]
        clock = Timeline(container, from_start=True)
        seen = [float(packet.pts * packet.time_base) for packet in clock.packets([stream]) if packet.size]
        return np.sort(seen), clock.num_jumps


JUMPS = {
    "onward": [0, 20_000],
    "onward by half a minute": [0, 30],
    "back to the beginning": [0, 0],
    "back by half of a piece": [10, 11],
    "back from far": [20_000, 0],
    "to and fro, four pieces": [0, 20_000, 5, 90_000],
    "across the end of 33 bits": [2**33 / 90_000 - 1, 0],
}


@pytest.mark.parametrize("suffix", [".ts", ".mpg"])
@pytest.mark.parametrize("starts_s", JUMPS.values(), ids=JUMPS)
def test_pieces_follow_one_another_wherever_their_clocks_begin(tmp_path, suffix, starts_s):
    how = {"codec": "mpeg2video", "sound_codec": "mp2"} if suffix == ".mpg" else {}
    path = joined(tmp_path / f"all{suffix}", starts_s, **how)
    video, num_jumps = times_of(path)
    count = len(starts_s) * NUM
    assert len(video) == count
    np.testing.assert_allclose(np.diff(video), 1 / FPS, atol=0.12)
    assert video[-1] - video[0] == pytest.approx((count - 1) / FPS, abs=0.12 * len(starts_s))
    assert num_jumps >= 1
    audio, _ = times_of(path, "audio")
    assert audio[-1] == pytest.approx(count / FPS, abs=0.15 * len(starts_s))
    assert np.diff(audio).max() < 0.2


def test_a_gap_of_three_seconds_in_a_recording_is_a_gap(tmp_path):
    """As ffmpeg shows it: only more than ten seconds are taken for a jump."""
    video, num_jumps = times_of(joined(tmp_path / "all.ts", [0, 5]))
    assert num_jumps == 0
    assert np.diff(video).max() == pytest.approx(3.0, abs=0.15)


def test_a_clock_that_runs_over_the_end_of_its_33_bits_runs_on(tmp_path):
    path = piece(tmp_path / "over.ts", 2**33 / 90_000 - 2.4, num=75)
    video, num_jumps = times_of(path)
    assert num_jumps == 0
    np.testing.assert_allclose(np.diff(video), 1 / FPS, atol=1e-4)


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_a_clock_that_begins_at_a_hundred_begins_at_nought(tmp_path, suffix):
    path = piece(tmp_path / f"late{suffix}", 100)
    for kind in ("video", "audio"):
        times, num_jumps = times_of(path, kind)
        assert num_jumps == 0
        assert times[0] == pytest.approx(0, abs=0.1)


def leaping(path, source, leap_s, only=("video", "audio"), from_s=2.0):
    """The clip `source` packet by packet, where the clock of the streams `only` leaps by `leap_s` at `from_s`."""
    with av.open(str(source)) as reader, av.open(str(path), "w") as writer:
        streams = {stream.index: writer.add_stream_from_template(stream) for stream in reader.streams}
        start_s = reader.start_time / 1e6
        for packet in reader.demux():
            if packet.dts is None:
                continue
            leaps = packet.stream.type in only and packet.dts * packet.time_base - start_s > from_s - 0.1
            ticks = round(leap_s / packet.time_base) if leaps else 0
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            packet.stream = streams[packet.stream_index]
            writer.mux(packet)
    return path


@pytest.mark.parametrize("only", ["video", "audio"])
def test_a_jump_of_one_stream_alone_is_closed_for_that_stream(tmp_path, only):
    path = leaping(tmp_path / "one.ts", piece(tmp_path / "plain.ts", 0, num=100), 500, (only,))
    for kind in ("video", "audio"):
        times, _ = times_of(path, kind)
        assert times[-1] - times[0] == pytest.approx(4.0, abs=0.2), kind
        assert np.diff(times).max() < 0.2, kind


def test_slides_that_change_while_somebody_speaks_stay_where_they_are(tmp_path):
    """Frames twenty seconds apart are no jump, as the sound goes on between them."""
    silence = np.zeros(45 * 44100, np.float32)
    source = make_clip(tmp_path / "a.ts", size=(64, 48), times_s=[0, 20, 40], sound=silence, codec="mpeg2video")
    path = tmp_path / "slides.ts"
    with av.open(str(source)) as reader, av.open(str(path), "w") as writer:
        streams = {stream.index: writer.add_stream_from_template(stream) for stream in reader.streams}
        packets_in_order = [packet for packet in reader.demux() if packet.size]
        for packet in packets_in_order:
            packet.dts = packet.pts  # the encoder's delay of one slide, which live encoders do not have
        for packet in sorted(packets_in_order, key=lambda packet: packet.dts):
            packet.stream = streams[packet.stream_index]
            writer.mux(packet)
    video, num_jumps = times_of(path)
    assert num_jumps == 0
    np.testing.assert_allclose(video - video[0], [0, 20, 40], atol=0.01)


@pytest.mark.parametrize(("gap_s", "closed"), [(1800, False), (20_000, True)])
@pytest.mark.parametrize("suffix", [".flv", ".mkv", ".mp4"])
def test_a_gap_of_hours_is_closed_in_any_format(tmp_path, suffix, gap_s, closed):
    path = leaping(tmp_path / f"gap{suffix}", piece(tmp_path / f"plain{suffix}", 0, num=100), gap_s)
    for kind in ("video", "audio"):
        times, num_jumps = times_of(path, kind)
        assert (num_jumps > 0, np.diff(times).max() > 1000) == (closed, not closed), kind


def test_where_the_header_denies_the_beginning_the_first_packet_makes_it(tmp_path):
    """A stream that only the second piece has, whose clock is the earlier one, counts for the header's beginning."""
    first = piece(tmp_path / "mute.ts", 20_000, sound=False)
    second = piece(tmp_path / "sounding.ts", 0, first=NUM)
    path = tmp_path / "all.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    video, _ = times_of(path)
    assert len(video) == 2 * NUM
    assert video[-1] < 5


def test_after_a_seek_the_times_are_those_of_a_reading_from_the_beginning(tmp_path):
    path = piece(tmp_path / "long.ts", 100, num=500, gop=25)
    whole, _ = times_of(path)
    with open_container(path) as container:
        container.seek(int((10 + timeline.start_s(container)) * 1e6))
        stream = pick_video(container)
        rest = [float(packet.pts * packet.time_base) for packet in packets(container, stream) if packet.size]
    assert 5 < min(rest) <= 10.1
    assert set(rest) <= set(whole)


def test_a_frame_rate_of_a_damaged_header_makes_no_years_of_a_second(tmp_path):
    """A rate of 1 frame in 16,843,009 s (dwScale of an .avi's stream header with every byte 1, dwRate 1)."""
    path = make_clip(tmp_path / "damaged.avi", codec="mpeg4", sound_codec="pcm_s16le", seconds=1)
    data = bytearray(path.read_bytes())
    at = data.index(b"strh") + 28
    assert struct.unpack_from("<2I", data, at) == (1, 25)
    struct.pack_into("<2I", data, at, 0x01010101, 1)
    path.write_bytes(data)
    info = probe(path)
    assert info.duration_s == pytest.approx(1.0, abs=0.1), "that of the sound"
    assert 0 < info.end_s < 2 and "the clock of the file jumps" in info.note
