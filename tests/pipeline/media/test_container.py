import errno
import os
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from pipeline.errors import DecodeError
from pipeline.media.container import _lenient, frame_s, is_of_machine, open_container, pick_audio, pick_video
from tests.clips import make_clip, tone
from tests.sounds import write_streams


@pytest.fixture
def titled(tmp_path):
    """A video whose title is no UTF-8, as old programs wrote them."""
    path = tmp_path / "titled.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Zürich"
        stream = container.add_stream("mpeg4", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    whole = path.read_bytes()
    assert "Zürich".encode() in whole
    path.write_bytes(whole.replace("Zürich".encode(), b"Z\xfc\xfcrich"))
    return path


def test_a_title_that_is_no_utf_8_does_not_refuse_the_file(titled):
    with open_container(titled) as container:
        assert "Z" in container.metadata["title"]
        assert sum(1 for _ in container.decode(pick_video(container))) == 3


@pytest.mark.parametrize(
    ("version", "expected"), [("16.1.0", True), ("18.1.0", True), ("19.0.2", False), ("20.0.0rc1", False)]
)
def test_what_a_version_does_not_know_is_not_asked_of_it(version, expected):
    assert bool(_lenient(version)) == expected


@pytest.mark.parametrize("default", [0, 1, 2])
def test_the_default_stream_of_sound_is_picked(tmp_path, default):
    with open_container(write_streams(tmp_path / "a.mkv", [tone(0.1)] * 3, default)) as container:
        assert pick_audio(container).index == default


def test_a_stream_of_sound_that_no_decoder_knows_gives_way_to_one_that_can_be_heard(tmp_path):
    path = write_streams(tmp_path / "a.mkv", [tone(0.1)] * 2, 0, ("pcm_s24le", "flac"))
    unknown = {b"A_PCM/INT/LIT": b"A_ZZZ/INT/LIT", b"A_FLAC": b"A_ZZZZ"}
    for picked, (codec, other) in zip((1, None), unknown.items(), strict=True):
        path.write_bytes(path.read_bytes().replace(codec, other))
        with open_container(path) as container:
            stream = pick_audio(container)
            assert (None if stream is None else stream.index) == picked


def test_an_image_and_an_empty_file_are_no_videos(tmp_path):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(DecodeError, match=r"empty\.mp4: the file is empty"):
        open_container(tmp_path / "empty.mp4")
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(DecodeError, match=r"a\.png: an image, not a video"):
        open_container(tmp_path / "a.png")


def test_a_pipe_and_a_device_are_refused_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "device.mp4").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(DecodeError, match=rf"{name}\.mp4: a.*, not a file"):
            open_container(tmp_path / f"{name}.mp4")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.mp4", b"<!doctype html><html>404</html>", "a web page, not a video"),
        ("a.mkv", b"Just a note.", "a text file, not a video"),
        ("a.txt", b"Just a note.", "a text file, not a video"),
        ("a.m3u8", b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n", "a text file, not a video"),
        ("a.mp4", b"ffconcat version 1.0\nfile a.ts\n", "a text file, not a video"),
        ("a.mp4", b"PK\x03\x04" + bytes(100), "an archive (zip), not a video"),
        ("a.mp4", bytes(9000), "nothing but zero bytes, not a video"),
        ("a.mp4", b"\x00\x00\x00\x20ftypisom" + bytes(40), "Invalid data found when processing input"),
    ],
)
def test_what_a_file_is_that_is_no_video_is_told(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DecodeError) as caught:
        open_container(tmp_path / name)
    assert str(caught.value).startswith(f"{name}: Invalid data")
    assert str(caught.value).endswith(told)


def test_a_row_of_jpegs_is_a_video_if_its_name_says_so(tmp_path):
    path = make_clip(tmp_path / "a.mjpeg", codec="mjpeg", pixels="yuvj420p", sound=None, seconds=0.4)
    with open_container(path) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10


def test_ffmpeg_that_lacks_memory_is_a_fault_of_the_file():
    assert is_of_machine(MemoryError("4 GB for an array")) and is_of_machine(ImportError("libsoxr"))
    error = av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory")
    assert isinstance(error, MemoryError), "so it was taken for one of the machine, which ends the run"
    assert not is_of_machine(error)
    assert not is_of_machine(ValueError("of the file"))


@pytest.mark.parametrize(
    ("rate", "shown_s"), [(Fraction(25), 0.04), (Fraction(30000, 1001), 0.1001 / 3), (Fraction(1, 1800), 1800.0)]
)
def test_a_frame_is_shown_as_long_as_the_rate_says(rate, shown_s):
    assert frame_s(SimpleNamespace(average_rate=rate)) == pytest.approx(shown_s, rel=1e-12)


@pytest.mark.parametrize("rate", [None, Fraction(0), Fraction(1, 16843009)])
def test_a_rate_that_no_video_has_stands_for_25_frames_a_second(rate):
    assert frame_s(SimpleNamespace(average_rate=rate)) == 0.04


def test_a_clock_that_jumps_often_has_no_frame_of_minutes():
    assert frame_s(SimpleNamespace(average_rate=Fraction(1, 60)), longest_s=10.0) == 0.04
