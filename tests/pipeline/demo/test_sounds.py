import numpy as np
import pytest

from pipeline.demo.ground_truth import SOUNDS as NAMES
from pipeline.demo.sounds import SAMPLE_RATE_HZ, SOUNDS, sound


def loudest_hz(samples):
    """Frequency of the highest peak in the spectrum of the whole sound."""
    return float(np.abs(np.fft.rfft(samples)).argmax()) * SAMPLE_RATE_HZ / len(samples)


def test_there_is_a_synthesiser_for_every_sound():
    assert set(SOUNDS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_fills_its_duration_within_its_range(name):
    samples = sound(name, 1.25, "key")
    assert (samples.shape, samples.dtype) == ((round(1.25 * 44_100),), np.float32)
    assert 0.35 - 1e-6 <= np.abs(samples).max() <= 0.6 + 1e-6


@pytest.mark.parametrize(("name", "hz"), [("high beep", 1500), ("low beep", 220)])
def test_a_beep_has_its_pitch_within_5_percent(name, hz):
    assert loudest_hz(sound(name, 4.0, "key")) == pytest.approx(hz, rel=0.055)


def test_the_key_alone_decides_the_variation():
    np.testing.assert_array_equal(sound("siren", 2.0, "a"), sound("siren", 2.0, "a"))
    assert (sound("siren", 2.0, "a") != sound("siren", 2.0, "b")).any()


def test_a_high_beep_is_silent_in_the_second_half_of_each_half_second():
    samples = sound("high beep", 2.0, "key").reshape(4, -1)
    quiet = samples[:, samples.shape[1] // 2 + 10 :]
    assert np.abs(quiet).max() < 1e-6
    assert np.abs(samples).max() > 0.3
