"""What the image-text networks of a library have in common: two towers into one space, a tokenizer, and files."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

    from extractors.networks.base import Weighted

Tokenise = Callable[[Sequence[str]], "torch.Tensor"]
"""Texts to (B, W) token ids."""


class ImageTextNetwork(ABC):
    """An image-text network by name. `owner` is the expert or encoder whose weights it takes."""

    def __init__(self, name: str, tokenizer: str = "") -> None:
        self.name = name
        self.tokenizer = tokenizer

    @property
    @abstractmethod
    def image_parts(self) -> Mapping[str, str]:
        """Part -> what the weights of the image tower are published as."""

    @property
    @abstractmethod
    def text_parts(self) -> Mapping[str, str]:
        """As `image_parts`, of the text tower and its tokenizer."""

    @abstractmethod
    def known(self, part: str) -> WeightFile:
        """The file of a part."""

    @abstractmethod
    def image_tower(self, owner: "Weighted") -> "torch.nn.Module":
        """Pixels (B, 3, H, W) to (B, D)."""

    @abstractmethod
    def text_tower(self, owner: "Weighted") -> tuple["torch.nn.Module", Tokenise]:
        """Token ids (B, W) to (B, D), and what makes token ids of texts."""
