"""Describes what a network is given: the features of each expert and the token vectors of captions. Needs no torch."""

from dataclasses import dataclass
from typing import Literal

from pipeline import config


@dataclass(frozen=True)
class ExpertInput:
    """The features of one expert, and how the network pools them into one vector."""

    __pydantic_config__ = config.STRICT
    name: str
    dim: int
    """Length of one feature vector, before pooling."""
    pool: Literal["mean", "vlad"] = "mean"
    """mean: (B, D), averaged before the network sees them; vlad: (B, T, D), pooled inside the network by NetVLAD."""
    clusters: int = 0
    max_tokens: int = 0

    def __post_init__(self) -> None:
        if self.pool == "vlad" and (self.clusters < 1 or self.max_tokens < 1):
            raise ValueError(f"expert {self.name}: pool: vlad needs clusters and max_tokens of at least 1")

    @property
    def pooled_dim(self) -> int:
        """Length of the vector after pooling: D, or D x K."""
        return self.dim * self.clusters if self.pool == "vlad" else self.dim


@dataclass(frozen=True)
class TextInput:
    """The (W, D) token vectors of a caption, and how the network pools them into one vector."""

    __pydantic_config__ = config.STRICT
    dim: int
    clusters: int
    ghost_clusters: int
    max_tokens: int

    @property
    def pooled_dim(self) -> int:
        """Length of the vector after pooling: D x K, or D without NetVLAD."""
        return self.dim * max(1, self.clusters)


@dataclass(frozen=True)
class AlignedInput:
    """The frozen vectors of an expert that is aligned with text, for a network that starts from their scores."""

    __pydantic_config__ = config.STRICT
    name: str
    dim: int
    """Length of its vectors of videos and of captions."""
    temperature: float = 0.0
    """Of label words, where its vectors are those of a classifier; 0: they are those of a text tower."""
