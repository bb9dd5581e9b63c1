import numpy as np
import pytest

from pipeline.media import resampling
from pipeline.media.resampling import resample

NAMES = ["soxr", "kaiser", "kaiser16"]


def sine(rate_hz, seconds=1.0, hz=440.0):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source_hz", [8000, 11127, 22050, 44100, 48000, 96000, 191999])
def test_a_tone_stays_a_tone_at_any_rate(name, source_hz):
    found = resample(sine(source_hz), source_hz, 16000, name)
    assert abs(len(found) - 16000) <= 1
    np.testing.assert_allclose(found[1000:15000], sine(16000)[1000:15000], atol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_equal_rates_and_nothing_stay_as_they_are(name):
    samples = sine(16000)
    assert resample(samples, 16000, 16000, name) is samples
    assert len(resample(samples[:0], 44100, 16000, name)) == 0


def test_a_filter_that_would_fill_the_memory_is_not_made(monkeypatch):
    monkeypatch.setattr(resampling, "_kaiser_sinc", None)
    assert len(resample(sine(191999), 191999, 16000, "kaiser")) == 16000
