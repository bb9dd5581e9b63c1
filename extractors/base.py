"""What an extractor is: what it must be shown of a video, and how that becomes features.

N items of one view, B items of one batch, R rows of features, D feature, T frames, S samples.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.media.audio import Resampler
from pipeline.stores.parts import Features
from pipeline.weights.files import WeightFile, WeightSource


@dataclass(frozen=True)
class FrameNeed:
    """Frames at times k / fps from the first frame on; an item is `window` of them, and items start every `stride`."""

    fps: float
    short_px: int | None = None
    """Short side after a resize that keeps the aspect; None = native size."""
    window: int = 1
    stride: int = 1
    resize: Literal["area", "bilinear", "bicubic"] = "area"
    """area: OpenCV's mean over the area; the others: Pillow's, which networks are usually trained with."""
    crop_px: int | None = None
    """Side of the square that is cut from the middle after the resize; None = no cut."""
    squash: bool = False
    """Both sides at `short_px`, the aspect lost."""


@dataclass(frozen=True)
class AudioNeed:
    """Mono sound in items of `window_s`, one every `hop_s`; the end is filled with silence."""

    rate_hz: int
    window_s: float
    hop_s: float
    resampler: Resampler = "soxr"
    least_s: float | None = None
    """An item with less sound than this would be mostly silence and is left out, but for the first; None: half."""


@dataclass(frozen=True)
class SubtitleNeed:
    """The words of the subtitle track, or of the .srt or .vtt file beside the video; an item is one word."""


Need = FrameNeed | AudioNeed | SubtitleNeed


@dataclass(frozen=True)
class FrameView:
    """What a FrameNeed is shown: item i is `frames[starts[i] : starts[i] + window]`, always whole.

    A video that is shorter than one window gives one item, its last frame repeated.
    """

    frames: NDArray[np.uint8]
    """(T, H, W, 3) RGB."""
    starts: NDArray[np.int64]
    """(N,)"""
    window: int
    times_s: NDArray[np.float64]
    """(N, 2), first and last moment of each item in the video."""


@dataclass(frozen=True)
class AudioView:
    """What an AudioNeed is shown: item i is `samples[starts[i] : starts[i] + window]`, always whole."""

    samples: NDArray[np.float32]
    """(S,) in -1..1."""
    rate_hz: int
    starts: NDArray[np.int64]
    """(N,)"""
    window: int
    """Samples in an item."""
    times_s: NDArray[np.float64]
    """(N, 2)"""


@dataclass(frozen=True)
class WordView:
    """What a SubtitleNeed is shown."""

    words: NDArray[np.str_]
    """(N,)"""
    times_s: NDArray[np.float64]
    """(N, 2)"""


View = FrameView | AudioView | WordView


@dataclass(frozen=True)
class Embedded:
    """The features of a batch of B items: R rows, any number of them (also none) for an item."""

    values: NDArray[np.float32]
    """(R, D)"""
    item_index: NDArray[np.int64]
    """(R,), which item of the batch a row belongs to, never falling."""
    extras: dict[str, NDArray[Any]] = field(default_factory=dict)
    """name -> (R, ...): what people want to read beside the vectors, e.g. text, confidence, box_px."""
    times_s: NDArray[np.float64] | None = None
    """(R, 2) from the start of the item, where a row covers less than its item; None = the item's times."""

    @classmethod
    def one_per_item(cls, values: NDArray[np.float32]) -> "Embedded":
        """The features of a network that gives one vector an item: values (B, D)."""
        return cls(np.asarray(values, np.float32), np.arange(len(values), dtype=np.int64))


class Extractor(ABC):
    """Base of the class `Expert` of each extractor module; `Params`, a frozen dataclass beside it, is its settings.

    `prepare` runs in the decode workers and may use the CPU only; `embed` runs in the main process, on batches packed
    across videos. Heavy libraries are imported inside the methods, so that reading a config stays cheap.
    """

    version: ClassVar[int]
    """Raised by hand when a change of the code changes the features."""

    def __init__(self, params: Any, source: WeightSource | None = None) -> None:
        self.params = params
        self.source = source or WeightSource()

    @property
    @abstractmethod
    def dim(self) -> int:
        """D, the length of a feature vector."""

    @property
    def weights(self) -> dict[str, str]:
        """Part -> what its weights are (sha256, published name, or "seeded"), for the recipe; empty without any.

        Asked at every start, so it imports no library.
        """
        return {}

    def weight_files(self) -> dict[str, WeightFile]:
        """Part -> the file that `load` will read from the cache; empty where nothing needs a download."""
        return {}

    @property
    @abstractmethod
    def need(self) -> Need:
        """What the expert must be shown."""

    @abstractmethod
    def prepare(self, view: Any) -> NDArray[Any]:
        """The items (N, ...) that `embed` will get, one for each item of the view."""

    def load(self, device: str) -> None:  # noqa: B027 - an expert without a network has nothing to load
        """Load networks onto `device` ("cpu", "cuda:0"); called once, before the first `embed`."""

    @abstractmethod
    def embed(self, items: NDArray[Any]) -> Embedded:
        """The features of a batch of items (B, ...), B >= 1; the same whatever else is in the batch."""

    def finish(self, features: Features) -> Features:
        """The rows of one whole video, in the order of their items, as they are to be kept."""
        return features

    def compile(self) -> None:  # noqa: B027 - an expert without a network has nothing to compile
        """Compile the networks, after `load`; slow to start, faster from then on."""


class TextEncoder(ABC):
    """Base of the class `Encoder` of each text module; `EncoderParams` beside it is its settings."""

    version: ClassVar[int]

    def __init__(self, params: Any, source: WeightSource | None = None) -> None:
        self.params = params
        self.source = source or WeightSource()

    @property
    @abstractmethod
    def dim(self) -> int:
        """D, the length of a token vector."""

    @property
    def weights(self) -> dict[str, str]:
        """As an extractor's."""
        return {}

    def weight_files(self) -> dict[str, WeightFile]:
        """As an extractor's."""
        return {}

    def load(self, device: str) -> None:  # noqa: B027 - a hashed encoder has nothing to load
        """Load networks onto `device`; called once, before the first `encode`."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its token vectors (W, D), W >= 1 also for a text without a word."""
