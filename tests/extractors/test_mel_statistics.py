import numpy as np
import pytest

from extractors.base import AudioView
from extractors.mel_statistics import Expert, Params, mel_filters, power_spectrogram

EXPERT = Expert(Params())
RATE_HZ = 16000
WINDOW = 15360  # 0.96 s
TIME_S = np.arange(WINDOW) / RATE_HZ


def describe(*sounds):
    """A dict of the blocks of each sound's features."""
    samples = np.concatenate([np.asarray(sound, np.float32) for sound in sounds])
    starts = np.arange(len(sounds)) * WINDOW
    features = EXPERT.prepare(AudioView(samples, RATE_HZ, starts, WINDOW, np.zeros((len(sounds), 2))))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    names = ("mean", "variation", "change", "pattern", "form")
    return [dict(zip(names, np.split(row, [64, 128, 192, 256]), strict=True)) for row in features]


def tone(hz, level=0.5):
    return level * np.sin(2 * np.pi * hz * TIME_S)


@pytest.mark.parametrize("hz", [440, 1000, 4000])
def test_a_tone_peaks_in_the_band_that_the_mel_formula_gives(hz):
    (features,) = describe(tone(hz))
    mel = 2595 * np.log10(1 + np.array([hz, RATE_HZ / 2]) / 700)
    expected = mel[0] / mel[1] * 65 - 1  # band k is centred on the (k + 1)th of 65 equal steps
    assert abs(features["mean"].argmax() - expected) <= 1
    assert abs(features["pattern"].argmax() - expected) <= 1


def test_the_filters_are_those_of_librosa():
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=RATE_HZ, n_fft=512, n_mels=64, htk=True, norm=None)
    np.testing.assert_allclose(mel_filters(64, 512, RATE_HZ), expected, atol=1e-5)


def test_the_spectrogram_is_that_of_librosa():
    librosa = pytest.importorskip("librosa")
    noise = np.random.default_rng(0).normal(0, 0.1, WINDOW).astype(np.float32)
    expected = np.abs(librosa.stft(noise, n_fft=512, hop_length=256, center=False)).T ** 2 / 256**2
    np.testing.assert_allclose(power_spectrogram(noise, 512), expected, rtol=1e-3, atol=1e-9)


def test_a_full_scale_tone_has_a_power_of_a_quarter():
    assert power_spectrogram(tone(1000, 1.0).astype(np.float32), 512).max() == pytest.approx(0.25, rel=0.01)


def test_silence_is_zeros():
    (features,) = describe(np.zeros(WINDOW))
    assert not any(block.any() for block in features.values())


def test_a_steady_tone_does_not_vary_and_a_beeping_one_does():
    steady, beeping = describe(tone(1000), tone(1000) * (TIME_S % 0.2 < 0.1))
    band = steady["mean"].argmax()
    assert steady["variation"][band] < 0.01
    assert beeping["variation"][band] > 10 * steady["variation"][band]
    assert beeping["change"][band] > 10 * steady["change"][band]


def test_noise_is_flat_and_a_tone_is_not():
    noise = np.random.default_rng(0).normal(0, 0.1, WINDOW)
    flatness = [features["form"][2] for features in describe(noise, tone(1000))]
    assert flatness[0] > 0.5
    assert flatness[1] < 0.1


def test_a_higher_tone_has_a_higher_centroid_and_a_louder_one_a_higher_level():
    low, high, quiet = describe(tone(300), tone(3000), tone(300, 0.05))
    assert low["form"][0] < high["form"][0]
    assert quiet["form"][3] < low["form"][3]


def test_an_item_does_not_depend_on_the_others():
    alone, after = describe(tone(700))[0], describe(tone(200), tone(700))[1]
    for name, block in alone.items():
        np.testing.assert_array_equal(block, after[name])


def test_no_sound_is_no_items():
    empty = AudioView(np.zeros(0, np.float32), RATE_HZ, np.zeros(0, np.int64), WINDOW, np.zeros((0, 2)))
    assert EXPERT.prepare(empty).shape == (0, EXPERT.dim)


@pytest.mark.parametrize("wrong", [{"rate_hz": 0}, {"hop_s": 0.0}, {"num_bands": 200}, {"window_s": 0.01}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"above 0|num_bands|window_s"):
        Params(**wrong)
