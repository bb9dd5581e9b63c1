"""Expert over frames together with their sound, and its text encoder: both into one space. PE-AV (Vyas et al. 2025).

All vectors have length 1. A clip without sound, of a silent video or after its sound has ended, is embedded with
silence of its length: the network's space for frames alone is another one, with other vectors for the same texts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, Embedded, JointNeed, JointView, SpreadNeed
from extractors.networks.aligned import AlignedEncoder, AlignedEncoderParams, AlignedExpert
from extractors.networks.base import RGB
from extractors.networks.hub_model import HubParams
from extractors.networks.pixels import normalise_pixels
from extractors.networks.placing import array_to_device
from extractors.networks.sound_inputs import joint_items, pe_vectors
from extractors.shown.needs import SpreadAt
from pipeline import config

LEAST_S = 0.04
"""A last window with less sound than this counts as silence: one step of the codec."""


@dataclass(frozen=True)
class Params(HubParams):
    """Settings of the tower of frames and sound."""

    __pydantic_config__ = config.STRICT
    size_px: int
    """Side of the network's input; frames are squashed to it."""
    num_frames: int = 16
    """Frames of a clip."""
    clip_s: float = 10.0
    """One row for each clip of so many seconds."""
    at: SpreadAt = "ends"
    """Which frames of a clip: see `SpreadNeed`."""
    rate_hz: int = 48000
    """As the network was trained."""
    mean: RGB = (0.5, 0.5, 0.5)
    """Of red, green, blue (0..1), subtracted first."""
    std: RGB = (0.5, 0.5, 0.5)
    """By which the difference is divided."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.size_px, self.num_frames, self.clip_s, self.rate_hz) <= 0:
            raise ValueError("size_px, num_frames, clip_s and rate_hz must be above 0")


class Expert(AlignedExpert):
    """One row for each clip."""

    version = 1
    params: Params

    @property
    def need(self) -> JointNeed:
        """The frames and the sound of each clip."""
        settings, size = self.params, (self.params.size_px, self.params.size_px)
        return JointNeed(
            SpreadNeed(settings.num_frames, settings.clip_s, settings.at, resize="bilinear", size_px=size),
            AudioNeed(settings.rate_hz, settings.clip_s, settings.clip_s, least_s=LEAST_S),
        )

    def prepare(self, view: JointView) -> NDArray[Any]:
        """(N,) with the fields frames (T, H, W, 3), seconds, and samples (S,) and num of the sound."""
        rate_hz = self.params.rate_hz
        items = joint_items(view, round(self.params.clip_s * rate_hz))
        silence = np.clip(np.ceil(items["seconds"] * rate_hz), 1, items["samples"].shape[1])
        items["num"] = np.where(items["num"], items["num"], silence)
        return items

    def embed(self, items: NDArray[Any]) -> Embedded:
        """(B, D)."""
        pixels = array_to_device(items["frames"], self.device)
        normalised = normalise_pixels(pixels.flatten(0, 1), self.params.mean, self.params.std)
        frames = normalised.contiguous().reshape(*pixels.shape[:2], *normalised.shape[1:])

        def compute(which: slice, samples: NDArray[np.float32]) -> NDArray[np.float32]:
            return self.vectors(frames[which], array_to_device(samples, self.device))

        return Embedded.one_per_item(pe_vectors(items, self.settings, compute))


@dataclass(frozen=True)
class EncoderParams(AlignedEncoderParams):
    """Settings of the text tower."""


class Encoder(AlignedEncoder):
    """One vector of length 1 for each text, by the text tower."""

    version = 1
    params: EncoderParams
