import io

import av
import numpy as np
import pytest

from benchmarks.stamps import clips, photographs
from benchmarks.stamps.clips import Format
from pipeline.demo.sounds import SAMPLE_RATE_HZ
from tests.benchmarks.stamps.package import stamp, tone

SMALL = Format(width_px=160, height_px=120, fps=4, duration_s=2.0)
RED = (230, 20, 20)


@pytest.fixture
def box(tmp_path):
    stamp(tmp_path, "box", "A box.", colour=RED)
    return photographs.find(tmp_path)[0]


@pytest.fixture
def dog(tmp_path):
    picture = stamp(tmp_path, "dog", "A dog.")
    tone(picture.with_name("dog.ogg"), 440, 0.5)
    tone(picture.with_name("dog_desc.ogg"), 880, 0.3)
    return photographs.find(tmp_path)[0]


def red(frame):
    """Rows and columns of the box."""
    there = (np.abs(frame.astype(int) - RED) < 8).all(-1)
    return np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))


def test_the_thing_is_whole_in_every_frame_and_as_large_as_was_said(box):
    shown = list(clips.frames(box, SMALL))
    assert len(shown) == 8
    for frame in shown:
        rows, columns = red(frame)
        assert frame.shape == (120, 160, 3)
        assert len(columns) / len(rows) == pytest.approx(60 / 40, rel=0.05)
        assert 0.63 <= max(len(columns) / 160, len(rows) / 120) <= 0.86


def test_the_thing_moves_in_a_straight_line_and_the_background_stays(box):
    shown = list(clips.frames(box, SMALL))
    places = np.array([[one.mean() for one in red(frame)] for frame in shown])
    steps = np.diff(places, axis=0)
    assert np.abs(steps).max() > 0
    assert np.abs(steps - steps.mean(0)).max() <= 1.01  # whole pixels
    corners = np.array([frame[[0, 0, -1, -1], [0, -1, 0, -1]] for frame in shown])
    unchanged = (corners == corners[0]).all((0, 2))
    assert unchanged.sum() >= 2


def test_every_background_fills_the_frame():
    class Choose:
        """Random numbers of which the choice is known."""

        def __init__(self, path):
            self.path = path

        def choice(self, paths):
            return self.path

        def uniform(self, low, high):
            return (low + high) / 2

        def random(self):
            return 0.0

    for path in clips.BACKGROUNDS:
        pixels = np.asarray(clips.background(Choose(path), SMALL))
        assert pixels.shape == (120, 160, 4)
        assert pixels[..., :3].std() > 5, path.name


def test_a_video_is_the_same_each_time_and_as_long_as_was_said(dog):
    content = clips.encode(dog, SMALL)
    assert content == clips.encode(dog, SMALL)
    with av.open(io.BytesIO(content)) as container:
        assert container.streams.audio
        frames = list(container.decode(video=0))
    assert len(frames) == 8
    assert (frames[0].width, frames[0].height) == (160, 120)


def test_the_sound_is_its_own_then_a_pause_then_the_spoken_name_then_silence(dog):
    samples = clips.sound(dog, 2.0)
    assert len(samples) == 2 * SAMPLE_RATE_HZ

    def strongest_hz(start_s, end_s):
        piece = samples[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]
        return np.fft.rfftfreq(len(piece), 1 / SAMPLE_RATE_HZ)[np.abs(np.fft.rfft(piece)).argmax()]

    assert strongest_hz(0.05, 0.45) == pytest.approx(440, abs=5)
    assert strongest_hz(0.65, 0.85) == pytest.approx(880, abs=5)
    assert np.abs(samples[round(1.1 * SAMPLE_RATE_HZ) :]).max() < 0.01


def test_a_thing_without_a_sound_has_no_sound_track(box):
    assert clips.sound(box, 2.0) is None
    with av.open(io.BytesIO(clips.encode(box, SMALL))) as container:
        assert not container.streams.audio
