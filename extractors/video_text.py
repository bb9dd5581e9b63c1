"""Video expert and text encoder of a video-text network: a video tower and a text tower, into one space.

VideoPrism (Zhao et al. 2024; its LvT networks have the text tower), X-CLIP (Ni et al. 2022), PE-Video (Vyas et al.
2025; also the one within a PE-AV). All vectors have length 1. X-CLIP's text vectors are those without its prompt that
depends on the video, which would have to be computed for each caption with each video.
"""

import functools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, SpreadNeed
from extractors.frames.windows import WindowExtractor
from extractors.networks.aligned import AlignedEncoder, AlignedEncoderParams, AlignedExpert
from extractors.networks.base import RGB
from extractors.networks.hub_model import HubParams
from extractors.networks.pixels import normalise_pixels
from extractors.networks.placing import array_to_device
from extractors.shown.needs import SpreadAt
from pipeline import config


@dataclass(frozen=True)
class Params(HubParams):
    """Settings of the video tower."""

    __pydantic_config__ = config.STRICT
    size_px: int
    """Side of the network's input."""
    num_frames: int
    """Frames that the network sees at once, as it was trained."""
    at: SpreadAt = "start"
    """Which frames these are: see `SpreadNeed`."""
    clip_s: float | None = None
    """One row for each clip of so many seconds; none: one for the whole video, as in published zero-shot figures."""
    squash: bool = True
    """True: the whole frame, without keeping its aspect ratio; false: a centre crop. As the network was trained."""
    resize: Literal["bilinear", "bicubic"] = "bilinear"
    """As the network was trained."""
    mean: RGB = (0.0, 0.0, 0.0)
    """Of red, green, blue (0..1), subtracted first."""
    std: RGB = (1.0, 1.0, 1.0)
    """By which the difference is divided."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size_px < 1 or self.num_frames < 1 or (self.clip_s is not None and self.clip_s <= 0):
            raise ValueError("size_px, num_frames and clip_s must be above 0")


class Expert(WindowExtractor, AlignedExpert):
    """One row for the whole video, or for each clip, by the video tower."""

    version = 1
    params: Params

    @property
    def need(self) -> SpreadNeed:
        """Frames spread over the video, or over each clip, squashed or cropped to a square."""
        settings, side = self.params, self.params.size_px
        spread = functools.partial(
            SpreadNeed, settings.num_frames, settings.clip_s, settings.at, resize=settings.resize
        )
        return spread(size_px=(side, side)) if settings.squash else spread(short_px=side, crop_px=side)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(B, D)."""
        pixels = array_to_device(items, self.device)
        normalised = normalise_pixels(pixels.flatten(0, 1), self.params.mean, self.params.std)
        return Embedded.one_per_item(self.vectors(normalised.reshape(*pixels.shape[:2], *normalised.shape[1:])))


@dataclass(frozen=True)
class EncoderParams(AlignedEncoderParams):
    """Settings of the text tower."""


class Encoder(AlignedEncoder):
    """One vector of length 1 for each text, by the text tower."""

    version = 1
    params: EncoderParams
