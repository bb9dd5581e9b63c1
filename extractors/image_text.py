"""What a frame shows, in the terms of language: an image-text network through open_clip, and its own text tower.

Radford et al. 2021 (CLIP), Tschannen et al. 2025 (SigLIP 2), Bolya et al. 2025 (Perception Encoder). The vectors of
frames and of captions have length 1 and lie in one space.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, FrameNeed, FrameView
from extractors.image_classifier import Triple
from extractors.networks import NetworkEncoder, NetworkExtractor, normalised, place
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.weight_catalog import hub_file, open_clip_file
from pipeline.weights import WeightFile

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Params:
    """Settings of the image tower."""

    __pydantic_config__ = config.STRICT
    network: str
    """<network>.<weights> as open_clip has them, e.g. PE-Core-L-14-336.meta."""
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
        split_name(self.network)
        if self.fps <= 0 or self.dim < 1 or self.size_px < 1:
            raise ValueError("fps, dim and size_px must be above 0")


class Expert(NetworkExtractor):
    """One row of length 1 for each frame."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """D, as the settings say."""
        return self.params.dim

    @property
    def released(self) -> dict[str, str]:
        """Both towers lie in one file."""
        return {"network": f"open_clip {self.params.network}"}

    def known(self, part: str) -> WeightFile:
        """As open_clip knows it."""
        return open_clip_file(*split_name(self.params.network))

    @property
    def need(self) -> FrameNeed:
        """Single frames, squashed or cut to a square."""
        settings = self.params
        crop_px = None if settings.squash else settings.size_px
        return FrameNeed(
            settings.fps, settings.size_px, resize=settings.resize, crop_px=crop_px, squash=settings.squash
        )

    def prepare(self, view: FrameView) -> NDArray[np.uint8]:
        """(N, H, W, 3) RGB."""
        return view.frames[view.starts]

    def build(self) -> "torch.nn.Module":
        """The image tower."""
        tower: torch.nn.Module = self.filled("network", make(self.params.network)).get_submodule("visual")
        return tower

    def embed(self, items: NDArray[np.uint8]) -> Embedded:
        """(B, D)."""
        values = self.run(items, lambda pixels: normalised(pixels, self.params.mean, self.params.std))
        return Embedded.one_per_item(of_length_one(values))


@dataclass(frozen=True)
class EncoderParams:
    """Settings of the text tower."""

    __pydantic_config__ = config.STRICT
    network: str
    """The same as the expert's."""
    dim: int
    """D of the space of images and texts."""
    tokenizer: str = ""
    """Repository on the Hugging Face hub that holds the tokenizer; empty: CLIP's, which is inside open_clip."""

    def __post_init__(self) -> None:
        split_name(self.network)


class Encoder(NetworkEncoder):
    """One vector of length 1 for each text."""

    version = 1
    params: EncoderParams

    @property
    def dim(self) -> int:
        """D, as the settings say."""
        return self.params.dim

    @property
    def released(self) -> dict[str, str]:
        """The file with both towers, and the tokenizer where it is not inside open_clip."""
        tokenizer = {"tokenizer": self.params.tokenizer} if self.params.tokenizer else {}
        return {"network": f"open_clip {self.params.network}", **tokenizer}

    def known(self, part: str) -> WeightFile:
        """As open_clip and the hub know them."""
        if part == "tokenizer":
            return hub_file(self.params.tokenizer, "tokenizer.json")
        return open_clip_file(*split_name(self.params.network))

    def load(self, device: str) -> None:
        """Put the text tower on the device."""
        from torch import nn

        network: Any = self.filled("network", make(self.params.network))
        network.visual = nn.Identity()
        self._device = device
        self._network: Any = place(network, device)
        self._length = int(network.context_length)
        self._vocabulary = int(network.vocab_size)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its vector, (1, D)."""
        import torch

        with torch.inference_mode():
            values = self._network.encode_text(self._tokens(texts).to(self._device)).float().cpu().numpy()
        return list(of_length_one(values)[:, None])

    def _tokens(self, texts: Sequence[str]) -> "torch.Tensor":
        """(B, W) of token ids."""
        import open_clip
        import torch

        if not self.params.tokenizer or self.source.seeded:
            ids: torch.Tensor = open_clip.SimpleTokenizer(context_length=self._length)(list(texts))
            return ids % self._vocabulary
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.path("tokenizer")))
        tokenizer.enable_truncation(self._length)
        tokenizer.enable_padding(length=self._length)
        cleaned = [open_clip.tokenizer.canonicalize_text(text) for text in texts]
        return torch.tensor([encoding.ids for encoding in tokenizer.encode_batch(cleaned)])


def split_name(name: str) -> tuple[str, str]:
    """(network, weights) of "ViT-B-32.openai"; ValueError for another."""
    network, _, weights = name.rpartition(".")
    if not network or not weights:
        raise ValueError(f"network {name!r} must be <network>.<weights> as open_clip has them, e.g. ViT-B-32.openai")
    return network, weights


def make(name: str) -> "torch.nn.Module":
    """The network with both towers; its tensors are arbitrary."""
    import open_clip

    network, weights = split_name(name)
    if open_clip.get_model_config(network) is None:
        raise ConfigError(f"network {name!r}: open_clip {open_clip.__version__} has no {network!r}")
    quick = bool(open_clip.get_pretrained_cfg(network, weights).get("quick_gelu", False))
    logging.disable(logging.WARNING)  # it would warn of tensors that are about to be replaced
    try:
        made: torch.nn.Module = open_clip.create_model(
            network, load_weights=False, pretrained_text=False, force_quick_gelu=quick
        )
    finally:
        logging.disable(logging.NOTSET)
    return made


def of_length_one(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B, D), each row divided by its length."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-12), np.float32)
