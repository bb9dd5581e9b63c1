"""Sound expert and text encoder of an audio-text network: sound is found by a description, before any training.

CLAP (Wu et al. 2023) and PE-Audio (Vyas et al. 2025; also the one within a PE-AV). All vectors have length 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, AudioView, Embedded
from extractors.networks.aligned import AlignedEncoder, AlignedEncoderParams, AlignedExpert
from extractors.networks.hub_model import HubParams
from extractors.networks.placing import array_to_device
from extractors.networks.sound_inputs import clap_input, pe_vectors, sound_items
from pipeline import config


@dataclass(frozen=True)
class Params(HubParams):
    """Settings of the tower of sound."""

    __pydantic_config__ = config.STRICT
    rate_hz: int = 48000
    """As the network was trained."""
    window_s: float = 10.0
    """Length of a window. CLAP was trained on 10 s."""
    hop_s: float = 10.0
    """Seconds from one row to the next; less than `window_s`: windows overlap."""
    least_s: float = 1.0
    """A last window with less sound than this is dropped, unless it is the only one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.rate_hz, self.window_s, self.hop_s, self.least_s) <= 0:
            raise ValueError("rate_hz, window_s, hop_s and least_s must be above 0")


class Expert(AlignedExpert):
    """One row for each window, by the tower of sound."""

    version = 1
    params: Params

    @property
    def need(self) -> AudioNeed:
        """Windows of sound."""
        settings = self.params
        return AudioNeed(settings.rate_hz, settings.window_s, settings.hop_s, least_s=settings.least_s)

    def prepare(self, view: AudioView) -> NDArray[Any]:
        """(N,) with the fields samples (S,) and num: how many of them are sound, and not the padding at its end."""
        return sound_items(view)

    def embed(self, items: NDArray[Any]) -> Embedded:
        """(B, D)."""
        if self.settings.model_type == "clap":
            spectrograms = clap_input(items, self.params.rate_hz, self.settings)
            return Embedded.one_per_item(self.vectors(array_to_device(spectrograms, self.device)))

        def compute(_: slice, samples: NDArray[np.float32]) -> NDArray[np.float32]:
            return self.vectors(array_to_device(samples, self.device))

        return Embedded.one_per_item(pe_vectors(items, self.settings, compute))


@dataclass(frozen=True)
class EncoderParams(AlignedEncoderParams):
    """Settings of the text tower."""


class Encoder(AlignedEncoder):
    """One vector of length 1 for each text, by the text tower."""

    version = 1
    params: EncoderParams
