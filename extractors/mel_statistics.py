"""Audio expert without a network: statistics of a log-mel spectrogram over short windows.

S samples of an item, T spectrogram frames, F frequencies, M mel bands.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, AudioView, HandcraftedExtractor
from pipeline import config

_FLOOR = 1e-6  # mel power of about the rounding noise of 16-bit audio, so that silence is all zeros
_DECADES = 6.0  # from the floor to a full-scale tone, whose level is about 1
_NUM_SHAPE = 4


@dataclass(frozen=True)
class Params:
    """Settings of the audio expert."""

    __pydantic_config__ = config.STRICT
    rate_hz: int = 16000
    """Sample rate; frequencies above half of it are lost."""
    window_s: float = 0.96
    """Length of an item; the default is that of VGGish."""
    hop_s: float = 0.96
    """Seconds from the start of one item to the start of the next."""
    num_bands: int = 64
    """M, number of mel bands."""
    frame_samples: int = 512
    """Samples of a spectrogram frame; frames overlap by half."""

    def __post_init__(self) -> None:
        if self.rate_hz < 1 or self.window_s <= 0 or self.hop_s <= 0:
            raise ValueError("rate_hz, window_s and hop_s must be above 0")
        if not 1 <= self.num_bands <= self.frame_samples // 4:
            raise ValueError("num_bands must be 1 .. frame_samples / 4, or low bands would be empty")
        if self.window_s * self.rate_hz < self.frame_samples:
            raise ValueError("window_s is shorter than one spectrogram frame of frame_samples")


class Expert(HandcraftedExtractor):
    """One row per window: level, variation, change and pattern of each band, then four descriptors of the spectrum."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """4 M + 4."""
        return 4 * self.params.num_bands + _NUM_SHAPE

    @property
    def need(self) -> AudioNeed:
        """Windows of mono audio."""
        return AudioNeed(self.params.rate_hz, self.params.window_s, self.params.hop_s)

    def prepare(self, view: AudioView) -> NDArray[np.float32]:
        """(N, D); zeros for silence."""
        filters = mel_filters(self.params.num_bands, self.params.frame_samples, view.rate_hz)
        rows = [self._describe(window, filters) for window in view.windows]
        return np.array(rows, np.float32).reshape(-1, self.dim)

    def _describe(self, samples: NDArray[np.float32], filters: NDArray[np.float64]) -> NDArray[np.float64]:
        """(D,) features of samples (S,)."""
        # Not a matrix product, whose threads would compete with the other decode workers.
        mel = np.einsum("tf,mf->tm", power_spectrogram(samples, self.params.frame_samples), filters)
        levels = np.log10(np.maximum(mel / _FLOOR, 1)) / _DECADES
        mean = levels.mean(axis=0)
        pattern = mean - mean.mean()
        change = np.abs(np.diff(levels, axis=0)).mean(axis=0) if len(levels) > 1 else np.zeros_like(mean)
        bands = np.concatenate([mean, levels.std(axis=0), change]) / np.sqrt(len(mean))
        return np.concatenate([bands, pattern / max(float(np.linalg.norm(pattern)), 0.1), _shape(mel, mean)])


def power_spectrogram(samples: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    """(T, F) power of Hann-windowed frames of `size` samples, every size / 2; a full-scale sine peaks at about 0.25."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[:: size // 2]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    power: NDArray[np.float64] = np.abs(np.fft.rfft(frames * window, axis=1) / window.sum()) ** 2
    return power


def mel_filters(num_bands: int, size: int, rate_hz: int) -> NDArray[np.float64]:
    """(M, F) triangular filters with peak 1, evenly spaced on the HTK mel scale from 0 Hz to half the sample rate.

    Equal to librosa.filters.mel(htk=True, norm=None), whose first call takes seconds in every decode worker.
    """
    bins_hz = np.fft.rfftfreq(size, 1 / rate_hz)
    top_mel = 2595 * np.log10(1 + rate_hz / 2 / 700)
    edges_hz = 700 * (10 ** (np.linspace(0, top_mel, num_bands + 2) / 2595) - 1)
    left, centre, right = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    return np.maximum(np.minimum((bins_hz - left) / (centre - left), (right - bins_hz) / (right - centre)), 0)


def _shape(mel: NDArray[np.float64], mean_level: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4,) centroid, spread, flatness and loudness of the spectrum, each in 0..1, and 0 for silence."""
    power = mel.mean(axis=0)
    if power.max() <= _FLOOR:
        return np.zeros(_NUM_SHAPE)
    position = np.linspace(0, 1, len(power))
    weights = power / power.sum()
    centroid = float(weights @ position)
    spread = float(np.sqrt(weights @ (position - centroid) ** 2))
    flatness = float(np.exp(np.log(power + _FLOOR).mean()) / (power + _FLOOR).mean())
    return np.array([centroid, spread, flatness, mean_level.max()])
