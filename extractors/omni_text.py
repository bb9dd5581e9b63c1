"""Expert and text encoder of a vision-language model that was trained to embed: Qwen3-VL-Embedding (Li et al. 2026).

Frames and texts are turns of a chat by the template of the repository; the vector is the last token's, of which the
first D numbers are kept (the model was trained so that these say most) and brought to length 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, Extractor, FrameView, SpreadNeed, TextEncoder
from extractors.networks import chat
from extractors.networks.hub_model import HubParams, HubPlugin
from extractors.shown.needs import SpreadAt
from pipeline import config

INSTRUCTION = "Represent the user's input."
"""The one that the model was published with."""


@dataclass(frozen=True)
class Params(HubParams):
    """Settings of the expert."""

    __pydantic_config__ = config.STRICT
    num_frames: int = 16
    """Frames that the model is shown at once."""
    clip_s: float | None = None
    """One row for each clip of so many seconds; none: one for the whole video."""
    at: SpreadAt = "nearest_ends"
    """Which frames these are: see `SpreadNeed`."""
    short_px: int = 256
    """Short side of the frames before the repository's processor makes them fit."""
    instruction: str = INSTRUCTION
    """What the chat's system turn says of videos."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_frames < 2 or self.short_px < 1 or (self.clip_s is not None and self.clip_s <= 0):
            raise ValueError("num_frames must be at least 2, short_px and clip_s above 0")


class Expert(HubPlugin, Extractor):
    """One row for the whole video, or for each clip."""

    version = 1
    params: Params
    more_files = chat.FILES

    @property
    def need(self) -> SpreadNeed:
        """Frames spread over the video, or over each clip, with their aspect ratio."""
        settings = self.params
        return SpreadNeed(settings.num_frames, settings.clip_s, settings.at, settings.short_px, "bicubic")

    def prepare(self, view: FrameView) -> NDArray[Any]:
        """(N,) with the fields frames (T, H, W, 3) and seconds, over which they are spread."""
        frames = view.windows
        items = np.zeros(len(frames), np.dtype([("frames", np.uint8, frames.shape[1:]), ("seconds", np.float64)]))
        items["frames"], items["seconds"] = frames, view.times_s[:, 1] - view.times_s[:, 0]
        return items

    def load(self, device: str) -> None:
        """Load the model and its processor onto the device."""
        self._chat = chat.Chat(self, device)

    def embed(self, items: NDArray[Any]) -> Embedded:
        """(B, D)."""
        told = self.params.instruction
        vectors = [self._chat.of_frames(item["frames"], float(item["seconds"]), told) for item in items]
        return Embedded.one_per_item(chat.stacked(vectors, self.dim))


@dataclass(frozen=True)
class EncoderParams(HubParams):
    """Settings of the text encoder: network, revision and dim are those of its expert."""

    __pydantic_config__ = config.STRICT
    max_tokens: int = 512
    """Tokens of a text that are read."""
    instruction: str = INSTRUCTION
    """What the chat's system turn says of texts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")


class Encoder(HubPlugin, TextEncoder):
    """One vector of length 1 for each text."""

    version = 1
    params: EncoderParams
    more_files = chat.FILES
    chat_type = chat.Chat

    def load(self, device: str) -> None:
        """Load the model and its processor onto the device."""
        self._chat = self.chat_type(self, device)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its vector, (1, D)."""
        settings = self.params
        vectors = [self._chat.of_text(text, settings.instruction, settings.max_tokens) for text in texts]
        return list(chat.stacked(vectors, self.dim)[:, None])
