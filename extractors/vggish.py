"""Audio expert on VGGish: log-mel patches of 0.96 s.

The log-mel spectrogram is that of Hershey et al. 2017 as TensorFlow's AudioSet models compute it: magnitudes of 25 ms
Hann windows every 10 ms, 64 triangular filters on the mel scale from 125 to 7500 Hz, log(x + 0.01).
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, AudioView, Embedded
from extractors.networks.base import NetworkExtractor
from extractors.networks.without_values import without_values
from pipeline import config
from pipeline.media.audio import Resampler
from pipeline.weights.arrays import load_arrays
from pipeline.weights.files import WeightFile
from pipeline.weights.seeded import stand_in

if TYPE_CHECKING:
    import torch

    from extractors.networks.vggish_onnx import VGGishOnnx

RATE_HZ = 16000
WINDOW, HOP, FFT = 400, 160, 512
NUM_FRAMES, NUM_BANDS = 96, 64
LOW_HZ, HIGH_HZ = 125.0, 7500.0
LOG_OFFSET = 0.01

PATCH_S = NUM_FRAMES * HOP / RATE_HZ  # 0.96
INPUT_S = ((NUM_FRAMES - 1) * HOP + WINDOW) / RATE_HZ  # 0.975: the window of the last frame extends beyond the patch

RELEASED = WeightFile(
    "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth",
    sha256="10086976",
    size_mb=288,
    licence="Apache-2.0",
)


@dataclass(frozen=True)
class Params:
    """Settings of VGGish."""

    __pydantic_config__ = config.STRICT
    hop_s: float = PATCH_S
    """Seconds from one row to the next; below 0.96 patches overlap."""
    resampler: Resampler = "kaiser16"
    """kaiser16, as VGGish was trained; soxr is faster, and differs in the highest two bands."""

    def __post_init__(self) -> None:
        if self.hop_s <= 0:
            raise ValueError("hop_s must be above 0")


class Expert(NetworkExtractor):
    """One row for each patch."""

    version = 1
    params: Params
    _without_torch: "VGGishOnnx | None" = None

    @property
    def dim(self) -> int:
        """D, 128: the width of VGGish's last layer."""
        return 128

    @property
    def published_names(self) -> dict[str, str]:
        """The checksum of the published file."""
        return {"network": RELEASED.identity("")}

    def published_file(self, part: str) -> WeightFile:
        """The published conversion to torch."""
        return RELEASED

    @property
    def need(self) -> AudioNeed:
        """Patches of samples at 16 kHz."""
        return AudioNeed(RATE_HZ, INPUT_S, self.params.hop_s, self.params.resampler)

    def prepare(self, view: AudioView) -> NDArray[np.float32]:
        """(N, 96, 64) log-mel patches."""
        patches = [log_mel(window) for window in view.windows]
        return np.array(patches, np.float32).reshape(-1, NUM_FRAMES, NUM_BANDS)

    def build(self) -> "torch.nn.Module":
        """VGGish."""
        from extractors.networks.vggish import VGGish

        return self.with_weights("network", without_values(VGGish))

    def load_without_torch(self) -> bool:
        """By ONNX Runtime and NumPy; not from a file that only torch can read, or that it has to refuse."""
        from extractors.networks.vggish_onnx import SHAPES, VGGishOnnx

        tensors: Mapping[str, NDArray[np.float32]] | None
        if self.source.seeded:
            tensors = {name: stand_in(name, shape) for name, shape in SHAPES.items()}
        else:
            tensors = load_arrays(self.weight_path("network"), SHAPES)
        self._without_torch = VGGishOnnx.of(tensors) if tensors else None
        return tensors is not None

    def embed(self, items: NDArray[np.float32]) -> Embedded:
        """(B, 128)."""
        if self._without_torch:
            return Embedded.one_per_item(self._without_torch.embed(items))
        return self.run(items)


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(frames, 64) of samples (S,) at 16 kHz, S >= 400; only complete frames."""
    windows = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), WINDOW)[::HOP]
    magnitudes = np.abs(np.fft.rfft(windows * _hann(), FFT))
    return np.log(magnitudes @ _mel_filters() + LOG_OFFSET).astype(np.float32)


@functools.cache
def _hann() -> NDArray[np.float64]:
    """(400,), periodic: the next sample after its end would be zero."""
    window: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return window


@functools.cache
def _mel_filters() -> NDArray[np.float64]:
    """(257, 64), weight of each frequency in each band."""
    mel = _mel(np.linspace(0, RATE_HZ / 2, FFT // 2 + 1))[:, None]
    edges = np.linspace(_mel(np.array(LOW_HZ)), _mel(np.array(HIGH_HZ)), NUM_BANDS + 2)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0, np.minimum((mel - left) / (middle - left), (right - mel) / (right - middle)))
    weights[0] = 0  # TensorFlow excludes the DC component
    return np.asarray(weights, np.float64)


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies on the HTK mel scale."""
    scaled: NDArray[np.float64] = 1127 * np.log1p(hz / 700)
    return scaled
