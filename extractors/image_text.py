"""Frame expert and text encoder of an image-text network: image tower and text tower, into one space.

Radford et al. 2021 (CLIP), Tschannen et al. 2025 (SigLIP 2), Bolya et al. 2025 (Perception Encoder). All vectors have
length 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed
from extractors.frames.windows import FrameExtractor
from extractors.networks.aligned import unit_length, words_or_whole
from extractors.networks.base import RGB, NetworkEncoder
from extractors.networks.hub import is_hub_name
from extractors.networks.image_text import ImageTextNetwork
from extractors.networks.image_text_open_clip import OpenClipNetwork
from extractors.networks.image_text_transformers import TransformersNetwork
from extractors.networks.pixels import PixelExtractor
from extractors.networks.placing import network_to_device
from pipeline import config
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Params:
    """Settings of the image tower."""

    __pydantic_config__ = config.STRICT
    network: str
    """<network>.<weights> as open_clip has them, e.g. PE-Core-L-14-336.meta, or transformers/<owner>/<name>@<commit> on
    the hub: any with towers for pictures of one size and for texts, e.g. CLIP, SigLIP, SigLIP 2 of a fixed size, ALIGN,
    AltCLIP, BLIP, Chinese CLIP, MetaCLIP 2. Without a commit what the files hold is in the recipe."""
    dim: int
    """D of the common space of images and texts."""
    size_px: int
    """Side of the network's input."""
    fps: float = 1.0
    """Frames per second."""
    squash: bool = False
    """True: the whole frame, without keeping its aspect ratio; false: a centre crop. As the network was trained."""
    resize: Literal["bilinear", "bicubic"] = "bicubic"
    """As the network was trained."""
    mean: RGB = (0.5, 0.5, 0.5)
    """Of red, green, blue (0..1), subtracted first."""
    std: RGB = (0.5, 0.5, 0.5)
    """By which the difference is divided."""

    def __post_init__(self) -> None:
        network_of(self.network)  # raises ValueError for a name of neither form
        if self.fps <= 0 or self.dim < 1 or self.size_px < 1:
            raise ValueError("fps, dim and size_px must be above 0")


class Expert(FrameExtractor, PixelExtractor):
    """One row of length 1 for each frame, by the image tower."""

    version = 1
    params: Params

    @property
    def _network(self) -> ImageTextNetwork:
        return network_of(self.params.network)

    @property
    def published_names(self) -> Mapping[str, str]:
        """From the network."""
        return self._network.image_parts

    def published_file(self, part: str) -> WeightFile:
        """From the network."""
        return self._network.published_file(part)

    def file_without_library(self, part: str) -> WeightFile | None:
        """From the network."""
        return self._network.file_without_library(part)

    @property
    def need(self) -> FrameNeed:
        """Single frames, squashed or cropped to a square."""
        settings = self.params
        if settings.squash:
            return FrameNeed(settings.fps, resize=settings.resize, size_px=(settings.size_px, settings.size_px))
        return FrameNeed(settings.fps, settings.size_px, resize=settings.resize, crop_px=settings.size_px)

    def build(self) -> "torch.nn.Module":
        """The image tower."""
        return self._network.image_tower(self)

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(B, D)."""
        return Embedded.one_per_item(unit_length(super().embed(items).values))


@dataclass(frozen=True)
class EncoderParams:
    """Settings of the text tower."""

    __pydantic_config__ = config.STRICT
    network: str
    """The same as the expert's."""
    dim: int
    """D of the common space of images and texts."""
    tokenizer: str = ""
    """Repository on the Hugging Face hub with the tokenizer of an open_clip network; empty: CLIP's, which open_clip
    contains. Networks of transformers have their own."""

    def __post_init__(self) -> None:
        network_of(self.network, self.tokenizer)


class Encoder(NetworkEncoder):
    """One vector of length 1 for each text, by the text tower."""

    version = 1
    token_version = 1
    params: EncoderParams

    @property
    def _network(self) -> ImageTextNetwork:
        return network_of(self.params.network, self.params.tokenizer)

    @property
    def published_names(self) -> Mapping[str, str]:
        """From the network."""
        return self._network.text_parts

    def published_file(self, part: str) -> WeightFile:
        """From the network."""
        return self._network.published_file(part)

    def file_without_library(self, part: str) -> WeightFile | None:
        """From the network."""
        return self._network.file_without_library(part)

    def load(self, device: str) -> None:
        """Move the text tower to the device."""
        tower, self._tokenize = self._network.text_tower(self)
        self._device = device
        self._tower: Any = network_to_device(tower, device)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its vector, (1, D)."""
        import torch

        with torch.inference_mode():
            values = self._tower(self._tokenize(texts).ids.to(self._device)).float().cpu().numpy()
        return list(unit_length(values)[:, None])

    def encode_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors of its tokens (W, D), projected as the text is."""
        import torch

        tower: Any = self._network.token_tower(self._tower)
        if tower is None:
            return self.encode(texts)
        told = self._tokenize(texts)
        with torch.inference_mode():
            values = tower(told.ids.to(self._device)).float().cpu().numpy()
        return words_or_whole(values, told.is_word.numpy(), texts, self)


def network_of(name: str, tokenizer: str = "") -> ImageTextNetwork:
    """The network called `name`, of the library that the form of the name selects; ValueError for a wrong form."""
    return (TransformersNetwork if is_hub_name(name) else OpenClipNetwork)(name, tokenizer)
