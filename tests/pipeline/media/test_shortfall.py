"""Whole files are told apart from those that lack something."""

import av
import numpy as np
import pytest

from pipeline.media.shortfall import _is_cut_ts, _matroska_bytes
from pipeline.media.video import probe
from tests.clips import make_clip, write_srt
from tests.pipeline.media.joined_clips import joined, piece

WHOLE = [".mp4", ".mov", ".mkv", ".webm", ".avi", ".flv", ".ts", ".m2ts", ".mpg", ".wmv"]
CODECS = {
    ".webm": {"codec": "libvpx-vp9"},
    ".avi": {"codec": "mpeg4", "sound_codec": "libmp3lame"},
    ".mpg": {"codec": "mpeg2video", "sound_codec": "mp2"},
    ".wmv": {"codec": "wmv2", "sound": None},
}


@pytest.mark.parametrize("suffix", WHOLE)
def test_nothing_is_said_of_a_whole_file(tmp_path, suffix):
    assert probe(make_clip(tmp_path / f"a{suffix}", seconds=2, **CODECS.get(suffix, {}))).note == ""


@pytest.mark.parametrize("begins_s", [0, 100])
@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".flv", ".mp4"])
def test_nothing_is_said_of_a_whole_file_wherever_its_clock_begins(tmp_path, suffix, begins_s):
    assert probe(piece(tmp_path / f"a{suffix}", begins_s)).note == ""


def test_subtitles_that_outlast_the_picture_are_no_shortfall(tmp_path):
    assert probe(make_clip(tmp_path / "a.mkv", seconds=2, subtitles=[("hi", 0.5, 9.0)])).note == ""


@pytest.mark.parametrize("kept", [0.3, 0.55, 0.8, 0.97])
@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".avi", ".flv", ".ts", ".m2ts", ".wmv", ".mp4"])
def test_a_file_that_was_cut_off_says_so(tmp_path, suffix, kept):
    front = {"options": {"movflags": "+faststart"}} if suffix == ".mp4" else {}
    path = make_clip(tmp_path / f"a{suffix}", seconds=4, **CODECS.get(suffix, {}), **front)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept) // 188 * 188 + 77])
    info = probe(path)
    assert info.note != ""
    assert info.has_video
    assert info.duration_s < 4.2


def test_the_note_tells_how_much_of_a_cut_file_is_there(tmp_path):
    path = make_clip(tmp_path / "a.mkv", seconds=4)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    info = probe(path)
    assert f"{info.duration_s:.1f} of 4.0 s are in the file" in info.note


def test_the_end_of_a_matroska_file_is_missed_even_if_no_frame_is(tmp_path):
    path = make_clip(tmp_path / "a.mkv", seconds=1)
    size = path.stat().st_size
    with path.open("rb") as file:
        assert _matroska_bytes(file) == size
    path.write_bytes(path.read_bytes()[:-10])
    assert f"{size - 10} of {size} bytes" in probe(path).note


def test_a_live_recording_in_matroska_promises_no_size(tmp_path):
    path = make_clip(tmp_path / "a.mkv", seconds=1, options={"live": "1"})
    with path.open("rb") as file:
        assert _matroska_bytes(file) == 0
    assert probe(path).note == ""


def test_what_is_no_matroska_promises_no_size(tmp_path):
    (tmp_path / "a.mkv").write_bytes(b"\x1a\x45\xdf\xa3\x00")
    with (tmp_path / "a.mkv").open("rb") as file:
        assert _matroska_bytes(file) == 0


@pytest.mark.parametrize(("length", "start"), [(188, 0), (192, 4), (204, 0)])
def test_the_last_packet_of_a_transport_stream_is_whole_or_cut(tmp_path, length, start):
    packet = bytes(start) + b"\x47" + bytes(range(10)) * 18 + bytes(7) + bytes(length - 188 - start)
    assert len(packet) == length
    for cut, expected in ((0, False), (length - start - 188, False), (length - start - 100, True)):
        data = packet * 40
        (tmp_path / "a.ts").write_bytes(data[: len(data) - cut])
        with (tmp_path / "a.ts").open("rb") as file:
            assert _is_cut_ts(file, len(data) - cut) == expected


def test_lost_packets_of_a_transport_stream_are_counted(tmp_path):
    path = piece(tmp_path / "a.ts", 0, num=100)
    data = path.read_bytes()
    middle = len(data) // 2 // 188 * 188
    path.write_bytes(data[:middle] + data[middle + 5 * 188 :])
    assert "damaged packets: " in probe(path).note


def test_a_joined_recording_says_that_its_clock_jumps_and_not_that_it_is_damaged(tmp_path):
    note = probe(joined(tmp_path / "a.ts", [0, 20_000, 5])).note
    assert note == "the clock of the file jumps: its pieces were put one after another"


def test_the_second_of_two_joined_flv_files_is_missed(tmp_path):
    """libavformat reads no further than the first."""
    assert "bytes can be read" in probe(joined(tmp_path / "a.flv", [0, 20_000])).note


def test_a_sidecar_has_nothing_to_do_with_it(tmp_path):
    path = make_clip(tmp_path / "a.mp4", seconds=1)
    write_srt(tmp_path / "a.srt", [("late", 50, 60)])
    assert probe(path).note == ""


@pytest.mark.slow
def test_nothing_is_said_of_real_videos(media):
    for path in sorted((media / "videos").iterdir()):
        if path.suffix != ".csv":
            info = probe(path)
            assert info.note == "", path.name
            with av.open(str(path)) as container:
                assert info.duration_s == pytest.approx(container.duration / 1e6, abs=0.1)
            assert np.all(np.diff(info.frame_times_s) > 0)
