import io

import av
import numpy as np
import pytest

from pipeline.errors import DecodeError
from search.pages.playback_segments import MOST_FPS, Segment
from tests.clips import TONE_HZ, make_clip, number_in

FPS, S = 10, 6


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_clip(
        tmp_path_factory.mktemp("film") / "a.avi",
        codec="mjpeg",
        sound_codec="pcm_s16le",
        seconds=S,
        fps=FPS,
        pixels="yuvj420p",
    )


def decoded(piece: bytes, kind: str):
    with av.open(io.BytesIO(piece)) as container:
        return list(container.decode(**{kind: 0}))


def test_a_piece_holds_the_pictures_of_its_seconds_at_their_times(film):
    frames = decoded(Segment(film, 2.0, 4.0)(), "video")
    assert [float(frame.pts * frame.time_base) for frame in frames] == pytest.approx(np.arange(20, 40) / FPS)
    assert [number_in(frame.to_ndarray(format="rgb24")) for frame in frames] == list(range(20, 40))
    assert frames[0].key_frame


def test_pieces_follow_without_a_gap_and_without_an_overlap(film):
    pieces = [Segment(film, float(start), start + 2.0)() for start in range(0, S, 2)]
    for kind in ("video", "audio"):
        spans = []
        for piece in pieces:
            with av.open(io.BytesIO(piece)) as container:
                packets = [one for one in container.demux(**{kind: 0}) if one.size]
                spans.append((packets[0].pts, packets[-1].pts + packets[-1].duration, len(packets)))
        assert [start for start, _, _ in spans[1:]] == [end for _, end, _ in spans[:-1]]


def test_the_sound_is_that_of_its_seconds(film):
    samples = np.concatenate([one.to_ndarray()[0] for one in decoded(Segment(film, 2.0, 4.0)(), "audio")])
    middle = samples[20_000:60_000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(spectrum.argmax() * 48_000 / len(middle) - TONE_HZ) < 2
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)


def test_a_file_for_itself_begins_at_0(film):
    piece = Segment(film, 3.0, 4.0, (), is_own=True)()
    frames = decoded(piece, "video")
    assert float(frames[0].pts * frames[0].time_base) == pytest.approx(0, abs=1e-3)
    assert [number_in(frame.to_ndarray(format="rgb24")) for frame in frames] == list(range(30, 40))


def test_a_large_picture_is_made_smaller_and_an_odd_one_even(tmp_path):
    large = make_clip(
        tmp_path / "large.avi", codec="mjpeg", pixels="yuvj420p", size=(1920, 1080), seconds=0.2, fps=10, sound=None
    )
    (frame, *_) = decoded(Segment(large, 0.0, 0.2)(), "video")
    assert (frame.width, frame.height) == (1280, 720)
    tall = make_clip(
        tmp_path / "tall.avi", codec="mjpeg", pixels="yuvj420p", size=(98, 1282), seconds=0.2, fps=10, sound=None
    )
    (frame, *_) = decoded(Segment(tall, 0.0, 0.2)(), "video")
    assert (frame.width, frame.height) == (98, 1280)


def test_many_frames_a_second_become_fewer(tmp_path):
    fast = make_clip(tmp_path / "fast.mkv", seconds=0.5, fps=50, sound=None)
    assert len(decoded(Segment(fast, 0.0, 0.5)(), "video")) == MOST_FPS // 2


def test_sound_that_cannot_be_decoded_is_silence(film, monkeypatch):
    def broken(*_):
        raise DecodeError("nothing of it decodes")

    monkeypatch.setattr("pipeline.media.audio.read_audio", broken)
    samples = np.concatenate([one.to_ndarray()[0] for one in decoded(Segment(film, 0.0, 1.0)(), "audio")])
    assert np.abs(samples).max() < 1e-3


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "noise.avi").write_bytes(b"RIFF" + b"\0" * 4000)
    with pytest.raises(DecodeError, match=r"noise\.avi"):
        Segment(tmp_path / "noise.avi", 0.0, 1.0)()
