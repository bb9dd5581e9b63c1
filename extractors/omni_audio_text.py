"""Expert over frames with their sound, and text encoder, of an omni model that was trained to embed: e5-omni.

Chen et al. 2026, on the thinker of Qwen2.5-Omni. A clip is a turn of a chat by the template of the repository: its
frames, and its sound where there is any. The vector is the state at the token behind the turn, brought to length 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors import omni_text
from extractors.base import AudioNeed, Embedded, Extractor, JointNeed, JointView, SpreadNeed
from extractors.networks import chat
from extractors.networks.hub_model import HubParams, HubPlugin
from extractors.networks.sound_inputs import joint_items
from extractors.shown.needs import SpreadAt
from pipeline import config
from pipeline.errors import ConfigError

LEAST_S = 0.1
"""A last window with less sound than this counts as silence."""


@dataclass(frozen=True)
class Params(HubParams):
    """Settings of the expert."""

    __pydantic_config__ = config.STRICT
    num_frames: int = 16
    """Frames of a clip that the model is shown at once."""
    clip_s: float = 30.0
    """One row for each clip of so many seconds."""
    at: SpreadAt = "nearest_ends"
    """Which frames of a clip: see `SpreadNeed`."""
    short_px: int = 224
    """Short side of the frames before the repository's processor makes them fit."""
    rate_hz: int = 16000
    """Of the sound, as the model was trained."""
    instruction: str = ""
    """What the chat's system turn says of clips; empty: what the template says by itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_frames < 2 or min(self.short_px, self.clip_s, self.rate_hz) <= 0:
            raise ValueError("num_frames must be at least 2, short_px, clip_s and rate_hz above 0")


class Expert(HubPlugin, Extractor):
    """One row for each clip."""

    version = 1
    params: Params
    more_files = chat.OMNI_FILES

    @property
    def need(self) -> JointNeed:
        """The frames of each clip, with their aspect ratio, and its sound."""
        settings = self.params
        return JointNeed(
            SpreadNeed(settings.num_frames, settings.clip_s, settings.at, settings.short_px, "bicubic"),
            AudioNeed(settings.rate_hz, settings.clip_s, settings.clip_s, least_s=LEAST_S),
        )

    def prepare(self, view: JointView) -> NDArray[Any]:
        """(N,) with the fields frames (T, H, W, 3), seconds, and samples (S,) and num of the sound, 0 where none is."""
        return joint_items(view, round(self.params.clip_s * self.params.rate_hz))

    def load(self, device: str) -> None:
        """Load the model and its processor onto the device; ConfigError where it does not take such sound."""
        self._chat = chat.OmniChat(self, device)
        settings, takes = self.params, self._chat
        if settings.rate_hz != takes.rate_hz or settings.clip_s > takes.longest_s:
            raise ConfigError(
                f"params: {settings.network} hears at most {takes.longest_s:g} s of sound at rate_hz {takes.rate_hz}"
            )

    def embed(self, items: NDArray[Any]) -> Embedded:
        """(B, D)."""
        told = self.params.instruction
        vectors = [
            self._chat.of_clip(item["frames"], float(item["seconds"]), item["samples"][: item["num"]], told)
            for item in items
        ]
        return Embedded.one_per_item(chat.stacked(vectors, self.dim))


@dataclass(frozen=True)
class EncoderParams(omni_text.EncoderParams):
    """Settings of the text encoder: network, revision and dim are those of its expert."""

    __pydantic_config__ = config.STRICT
    instruction: str = ""
    """What the chat's system turn says of texts; empty: what the template says by itself."""
    prefix: str = "Query: "
    """What stands before each text, as the model was trained."""


class Encoder(omni_text.Encoder):
    """One vector of length 1 for each text."""

    version = 1
    params: EncoderParams
    more_files = chat.OMNI_FILES
    chat_type = chat.OmniChat

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its vector, (1, D)."""
        return super().encode([self.params.prefix + text for text in texts])
