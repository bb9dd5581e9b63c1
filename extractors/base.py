"""Base classes of extractors and text encoders, what an extractor needs of a video, and what it returns.

N items of one view, B items of one batch, R rows of features, D feature, T frames, S samples.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from extractors.configs import Runtime
from extractors.labels.settings import LabelSettings
from pipeline.media.audio import Resampler
from pipeline.stores.parts import Features
from pipeline.weights.files import WeightFile, WeightSource

ResizeMethod: TypeAlias = Literal["area", "bilinear", "bicubic", "bilinear_float"]
CropOffset: TypeAlias = Literal["round", "floor"]


@dataclass(frozen=True)
class FrameNeed:
    """Frames sampled at times k / fps, k = 0, 1, ..., counted from the first frame of the video."""

    fps: float
    short_px: int | None = None
    """Short side after a resize that keeps the aspect ratio up to 8 to 1 (see `resize_frame`); None: native size."""
    window: int = 1
    """Frames in an item."""
    stride: int = 1
    """Frames from the start of one item to the start of the next."""
    resize: ResizeMethod = "area"
    """area: OpenCV's INTER_AREA; bilinear, bicubic: Pillow's; bilinear_float: torch's `interpolate` in mode bilinear,
    which does not smooth before it shrinks, without rounding to 8 bits."""
    crop_px: int | None = None
    """Side of the square that is cropped from the centre after the resize; None: no crop."""
    size_px: tuple[int, int] | None = None
    """(height, width) after a resize that does not keep the aspect ratio, in place of `short_px`."""
    crop_offset: CropOffset = "round"
    """Where the crop begins if the margin is odd: round, as torchvision (half to even), or floor."""
    margin: int | None = None
    """Frames of context at each end of an item, which stands for the `stride` frames between; every frame of the video
    is then in the middle of one item, and beyond the ends of the video its first and last frame are repeated. None: an
    item stands for all its frames, and there is none that would reach beyond the end."""


@dataclass(frozen=True)
class AudioNeed:
    """Mono audio in items of `window_s`, one every `hop_s`; the last items are padded with silence."""

    rate_hz: int
    window_s: float
    hop_s: float
    resampler: Resampler = "soxr"
    least_s: float | None = None
    """Items with less audio than this before the padding are dropped, except the first; None: half of `window_s`."""


@dataclass(frozen=True)
class SubtitleNeed:
    """Words of the subtitle file beside the video, or of a track in it; an item is one word."""

    language: str = ""
    """Which of several subtitles are preferred, as a code or a name; empty: English ones, or the default track."""


@dataclass(frozen=True)
class NameNeed:
    """Which video it is; the one item is all of it, and its word where it begins in its file, a blank, and the path."""


Need = FrameNeed | AudioNeed | SubtitleNeed | NameNeed


@dataclass(frozen=True)
class FrameView:
    """Frames for a FrameNeed: item i is `frames[starts[i] : starts[i] + window]`; a short video is padded to one."""

    frames: NDArray[Any]
    """(T, H, W, 3) RGB in 0..255: uint8, or float32 for `resize="bilinear_float"`."""
    starts: NDArray[np.int64]
    """(N,)"""
    window: int
    times_s: NDArray[np.float64]
    """(N, 2), start and end of each item in the video; where the need has a `margin`, of what it stands for."""

    @property
    def windows(self) -> NDArray[Any]:
        """The items, copied: (N, window, H, W, 3), of the type of `frames`."""
        return np.asarray(self.frames[self.starts[:, None] + np.arange(self.window)])


@dataclass(frozen=True)
class AudioView:
    """Samples decoded for an AudioNeed: item i is `samples[starts[i] : starts[i] + window]`, always complete."""

    samples: NDArray[np.float32]
    """(S,) in -1..1."""
    rate_hz: int
    starts: NDArray[np.int64]
    """(N,)"""
    window: int
    """Samples in an item."""
    times_s: NDArray[np.float64]
    """(N, 2), start and end of each item in the video."""

    @property
    def windows(self) -> NDArray[np.float32]:
        """The items, copied: (N, window)."""
        return np.asarray(self.samples[self.starts[:, None] + np.arange(self.window)], np.float32)


@dataclass(frozen=True)
class WordView:
    """Words read for a SubtitleNeed, or the path for a NameNeed."""

    words: NDArray[np.str_]
    """(N,)"""
    times_s: NDArray[np.float64]
    """(N, 2), start and end of each word in the video."""


View = FrameView | AudioView | WordView


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

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its token vectors (W, D); W >= 1 also for a text without a word."""
