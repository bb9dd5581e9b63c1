"""Interface of image-text networks: two towers into one space, a tokenizer, and the weight files of both."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

    from extractors.networks.base import NetworkPlugin


class TokenIds(NamedTuple):
    """What a text tower reads of B texts."""

    ids: "torch.Tensor"
    """(B, W), or (2, B, W) for a tower that takes the mask of its padding beside them."""
    is_word: "torch.Tensor"
    """(B, W), False for padding and for tokens that are in no text, such as its end."""


Tokenize = Callable[[Sequence[str]], TokenIds]


class ImageTextNetwork(ABC):
    """An image-text network by name. `plugin` is the extractor or text encoder whose weights a tower is given."""

    def __init__(self, name: str, tokenizer: str = "") -> None:
        self.name = name
        self.tokenizer = tokenizer

    @property
    @abstractmethod
    def image_parts(self) -> Mapping[str, str]:
        """Part -> published name of the weights, for the image tower."""

    @property
    @abstractmethod
    def text_parts(self) -> Mapping[str, str]:
        """Part -> published name of the weights, for the text tower and its tokenizer."""

    @abstractmethod
    def published_file(self, part: str) -> WeightFile:
        """The published file of a part; WeightsError if there is none."""

    def file_without_library(self, part: str) -> WeightFile | None:
        """The published file, where it is known without importing a library and has no checksum."""
        return None

    @abstractmethod
    def image_tower(self, plugin: "NetworkPlugin") -> "torch.nn.Module":
        """A module from pixels (B, 3, H, W) to (B, D)."""

    @abstractmethod
    def text_tower(self, plugin: "NetworkPlugin") -> tuple["torch.nn.Module", Tokenize]:
        """A module from token ids (B, W) to (B, D), and the function that makes the ids."""

    @abstractmethod
    def token_tower(self, text_tower: "torch.nn.Module") -> "torch.nn.Module | None":
        """The module of `text_tower`, with the same weights, as one to (B, W, D): what it pools, projected likewise.

        None where the vectors of its tokens are not in the space of images.
        """
