"""Base classes of extractors and text encoders, and what an extractor returns.

N items of one view, B items of one batch, R rows of features, D feature. What an extractor may ask for, and what it
gets, stands in shown/.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from extractors.configs import Precision, Runtime
from extractors.labels.settings import LabelSettings
from extractors.shown.needs import (
    AudioNeed,
    CropOffset,
    FrameNeed,
    JointNeed,
    NameNeed,
    Need,
    ResizeMethod,
    SpreadNeed,
    SubtitleNeed,
)
from extractors.shown.shown_views import AudioView, FrameView, JointView, View, WordView
from pipeline.stores.parts import Features
from pipeline.weights.files import WeightFile, WeightSource

__all__ = [
    "AudioNeed",
    "AudioView",
    "CropOffset",
    "Embedded",
    "Extractor",
    "FrameNeed",
    "FrameView",
    "HandcraftedExtractor",
    "JointNeed",
    "JointView",
    "NameNeed",
    "Need",
    "Plugin",
    "ResizeMethod",
    "SpreadNeed",
    "SubtitleNeed",
    "TextEncoder",
    "View",
    "WordView",
]


@dataclass(frozen=True)
class Embedded:
    """The features of a batch of B items: R rows, zero or more for each item."""

    values: NDArray[np.float32]
    """(R, D)"""
    item_index: NDArray[np.int64]
    """(R,), index in the batch of the item that a row belongs to; non-decreasing."""
    extras: dict[str, NDArray[Any]] = field(default_factory=dict)
    """name -> (R, ...): readable data stored beside the vectors, e.g. text, confidence, box_px."""
    times_s: NDArray[np.float64] | None = None
    """(R, 2) relative to the start of the item, where a row covers only part of it; None: the times of the item."""
    faults: Mapping[int, str] = field(default_factory=dict)
    """Index in the batch -> why this item has no rows, where that is a failure and no absence."""

    @classmethod
    def one_per_item(cls, values: NDArray[np.float32], extras: dict[str, NDArray[Any]] | None = None) -> "Embedded":
        """The features of a network that returns one vector per item: values (B, D), extras (B, ...)."""
        return cls(np.asarray(values, np.float32), np.arange(len(values), dtype=np.int64), extras or {})


class Plugin(ABC):
    """Common base of extractors and text encoders, which import heavy libraries inside the methods only."""

    version: ClassVar[int]
    """Incremented by hand when a change of the code changes the features."""

    def __init__(self, params: Any, source: WeightSource | None = None) -> None:
        self.params = params
        self.source = source or WeightSource()

    @property
    @abstractmethod
    def dim(self) -> int:
        """D, the length of a vector."""

    @property
    def weights(self) -> dict[str, str]:
        """Part of the network -> identity of its weights (sha256, published name, or "seeded"), for the recipe.

        Empty without a network. Evaluated at every start, so it must not import a library.
        """
        return {}

    def weight_files(self) -> dict[str, WeightFile]:
        """Part of the network -> file that `load` will read from the cache; empty where nothing is downloaded."""
        return {}

    def unknown_parts(self) -> list[str]:
        """Parts of the network whose identity is the content of a file that was never here."""
        return []

    def load(self, device: str) -> None:  # noqa: B027 - optional: without a network there is nothing to load
        """Load the networks onto `device` ("cpu", "cuda:0"); called once, before the first batch."""


class Extractor(Plugin):
    """Base of the class `Expert` of each extractor module; `Params`, a frozen dataclass beside it, is its settings.

    `prepare` runs in the decode workers and may use the CPU only; `embed` runs in the main process, on batches packed
    across videos. Where its YAML says so, a classifier keeps the labels of each row, as two extras: `labels` (R, K),
    int16 class indices by falling probability, and `label_scores` (R, K), these probabilities as float32.
    """

    label_settings: LabelSettings | None = None
    """Set by the registry, as `runtime`; None: no labels are kept."""
    runtime: Runtime = Runtime()
    precision: Precision = "fp32"
    """Set by the registry too."""

    @property
    def num_classes(self) -> int:
        """The number of classes of a classifier that can keep labels; 0 for all other extractors."""
        return 0

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each class, by its index; empty where no labels are kept."""
        return self.label_settings.classes.names if self.label_settings else ()

    @property
    def label_descriptions(self) -> tuple[str, ...]:
        """The name of each class with its definition, by its index; the names alone without any."""
        return self.label_settings.classes.descriptions if self.label_settings else ()

    @property
    def takes_one_core(self) -> bool:
        """Whether `embed` computes on one core of the CPU alone and may run in several threads at once.

        Batches of such an expert are in work beside one another and beside the networks of others.
        """
        return False

    @property
    @abstractmethod
    def need(self) -> Need:
        """Which frames, audio or subtitles the extractor takes."""

    @abstractmethod
    def prepare(self, view: Any) -> NDArray[Any]:
        """The items (N, ...) that `embed` will get, one for each item of the view, which is of the kind of `need`."""

    @abstractmethod
    def embed(self, items: NDArray[Any]) -> Embedded:
        """The features of a batch of items (B, ...), B >= 1; independent of the other items of the batch."""

    def finish(self, features: Features) -> Features:
        """The rows of one whole video, in the order of their items, as they are to be stored."""
        return features

    def load_without_torch(self) -> bool:
        """Load the networks for the CPU and float32 by other means than torch, in place of `load`, if that can be."""
        return False

    def compile(self) -> None:
        """Compile the networks, after `load`: slow once, faster from then on."""

    def use_onnx_runtime(self) -> None:
        """Run the networks with ONNX Runtime, after `load` on the CPU, where that is possible; else no effect."""


class HandcraftedExtractor(Extractor):
    """An extractor without a network: `prepare` computes the features themselves, (N, D)."""

    def embed(self, items: NDArray[np.float32]) -> Embedded:
        """The items, which are the features already."""
        return Embedded.one_per_item(items)


class TextEncoder(Plugin):
    """Base of the class `Encoder` of each text encoder module; `EncoderParams` beside it is its settings."""

    token_version: ClassVar[int] = 0
    """Incremented by hand when the code changes the result of `encode_tokens`; 0: that is what `encode` gives."""

    def load_for_queries(self) -> None:
        """Load on the CPU for a text at a time, as soon as possible: without torch, where the vectors are the same."""
        self.load("cpu")

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its token vectors (W, D); W >= 1 also for a text without a word."""

    def encode_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text, to the text tower of an expert, the vectors (W, D) of its tokens in the space of the expert.

        Each of length 1; W >= 1. A tower that gives none, and a text without a word, have the vector of the whole text.
        """
        return self.encode(texts)


class TokenEncoder(TextEncoder):
    """A text tower whose `encode` gives the vectors of tokens, which have a recipe and a store of their own."""

    def __init__(self, tower: TextEncoder) -> None:
        super().__init__(tower.params, tower.source)
        self._tower = tower

    @property
    def dim(self) -> int:
        """That of the tower."""
        return self._tower.dim

    @property
    def weights(self) -> dict[str, str]:
        """Those of the tower."""
        return self._tower.weights

    def weight_files(self) -> dict[str, WeightFile]:
        """Those of the tower."""
        return self._tower.weight_files()

    def unknown_parts(self) -> list[str]:
        """Those of the tower."""
        return self._tower.unknown_parts()

    def load(self, device: str) -> None:
        """Load the tower."""
        self._tower.load(device)

    def load_for_queries(self) -> None:
        """Load the tower."""
        self._tower.load_for_queries()

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors of its tokens (W, D)."""
        return self._tower.encode_tokens(texts)
