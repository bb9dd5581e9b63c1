"""What a frame shows, in the terms of language: an image-text network by name, and its own text tower.

Radford et al. 2021 (CLIP), Tschannen et al. 2025 (SigLIP 2), Bolya et al. 2025 (Perception Encoder). The vectors of
frames and of captions have length 1 and lie in one space.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed
from extractors.frames.windows import FrameExpert
from extractors.networks.base import NetworkEncoder, PictureNetwork, Triple, place
from extractors.networks.hub import is_hub_name
from extractors.networks.image_text import ImageTextNetwork
from extractors.networks.image_text_open_clip import OpenClipNetwork
from extractors.networks.image_text_transformers import TransformersNetwork
from pipeline import config
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Params:
    """Settings of the image tower."""

    __pydantic_config__ = config.STRICT
    network: str
    """<network>.<weights> as open_clip has them, e.g. PE-Core-L-14-336.meta, or transformers/<owner>/<name> on the hub:
    CLIP, SigLIP, and SigLIP 2 of a fixed size, e.g. transformers/google/siglip2-base-patch16-224."""
    dim: int
    """D of the space of images and texts."""
    size_px: int
    """Side of what the network is shown."""
    fps: float = 1.0
    """Frames per second."""
    squash: bool = False
    """True: the whole frame, its aspect lost; false: the middle square. As the network was trained."""
    resize: Literal["bilinear", "bicubic"] = "bicubic"
    """As the network was trained."""
    mean: Triple = (0.5, 0.5, 0.5)
    """Of red, green, blue (0..1), taken off before ..."""
    std: Triple = (0.5, 0.5, 0.5)
    """... the division by this."""

    def __post_init__(self) -> None:
        network_of(self.network)  # which refuses a name of neither form
        if self.fps <= 0 or self.dim < 1 or self.size_px < 1:
            raise ValueError("fps, dim and size_px must be above 0")


class Expert(FrameExpert, PictureNetwork):
    """One row of length 1 for each frame."""

    version = 1
    params: Params

    @property
    def _library(self) -> ImageTextNetwork:
        return network_of(self.params.network)

    @property
    def released(self) -> Mapping[str, str]:
        """As the library says."""
        return self._library.image_parts

    def known(self, part: str) -> WeightFile:
        """As the library knows it."""
        return self._library.known(part)

    @property
    def need(self) -> FrameNeed:
        """Single frames, squashed or cut to a square."""
        settings = self.params
        crop_px = None if settings.squash else settings.size_px
        return FrameNeed(
            settings.fps, settings.size_px, resize=settings.resize, crop_px=crop_px, squash=settings.squash
        )

    def build(self) -> "torch.nn.Module":
        """The image tower."""
        return self._library.image_tower(self)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(B, D)."""
        return Embedded.one_per_item(of_length_one(super().embed(items).values))


@dataclass(frozen=True)
class EncoderParams:
    """Settings of the text tower."""

    __pydantic_config__ = config.STRICT
    network: str
    """The same as the expert's."""
    dim: int
    """D of the space of images and texts."""
    tokenizer: str = ""
    """Repository on the Hugging Face hub that holds the tokenizer of a network of open_clip; empty: CLIP's, which is
    inside open_clip. Networks of transformers have their own."""

    def __post_init__(self) -> None:
        network_of(self.network, self.tokenizer)


class Encoder(NetworkEncoder):
    """One vector of length 1 for each text."""

    version = 1
    params: EncoderParams

    @property
    def _library(self) -> ImageTextNetwork:
        return network_of(self.params.network, self.params.tokenizer)

    @property
    def released(self) -> Mapping[str, str]:
        """As the library says."""
        return self._library.text_parts

    def known(self, part: str) -> WeightFile:
        """As the library knows it."""
        return self._library.known(part)

    def load(self, device: str) -> None:
        """Put the text tower on the device."""
        tower, self._tokenise = self._library.text_tower(self)
        self._device = device
        self._tower: Any = place(tower, device)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its vector, (1, D)."""
        import torch

        with torch.inference_mode():
            values = self._tower(self._tokenise(texts).to(self._device)).float().cpu().numpy()
        return list(of_length_one(values)[:, None])


def network_of(name: str, tokenizer: str = "") -> ImageTextNetwork:
    """The network called `name`, of the library that the name says; ValueError for a name of no such form."""
    return (TransformersNetwork if is_hub_name(name) else OpenClipNetwork)(name, tokenizer)


def of_length_one(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B, D), each row divided by its length."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-12), np.float32)
