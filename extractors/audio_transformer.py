"""Audio expert on the Audio Spectrogram Transformer (AST) of transformers, over windows of 10 s.

Gong et al. 2021, "AST: Audio Spectrogram Transformer". The features are the mean of its first two tokens.
"""

import functools
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import AudioNeed, AudioView, Embedded
from extractors.networks import hub
from extractors.networks.base import Tensors
from extractors.networks.labelled import Classifier
from extractors.networks.placing import without_autocast
from pipeline import config
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

RATE_HZ = 16000
WINDOW_S = 10.24
"""1024 frames of 10 ms."""
WIDTH = 768
NUM_CLASSES = 527
"""Of AudioSet."""


@dataclass(frozen=True)
class Params:
    """Settings of the audio transformer."""

    __pydantic_config__ = config.STRICT
    network: str = "MIT/ast-finetuned-audioset-10-10-0.4593"
    """Name on the Hugging Face hub of an AST with 12 layers of width 768."""
    hop_s: float = WINDOW_S
    """Seconds from one row to the next; below 10.24 windows overlap."""
    least_s: float = 1.0
    """A last window with less audio is dropped."""

    def __post_init__(self) -> None:
        hub.check_commit(self.network)
        if self.hop_s <= 0 or self.least_s <= 0:
            raise ValueError("hop_s and least_s must be above 0")


class Expert(Classifier):
    """One row for each window."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """D, 768: the width of AST."""
        return WIDTH

    @property
    def num_classes(self) -> int:
        """C, 527: those of AudioSet."""
        return NUM_CLASSES

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub."""
        return hub.pinned_file(self.params.network, "model.safetensors", size_mb=346, licence="BSD-3-Clause")

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same."""
        return self.published_file(part)

    @property
    def need(self) -> AudioNeed:
        """Windows at 16 kHz."""
        return AudioNeed(RATE_HZ, WINDOW_S, self.params.hop_s, least_s=self.params.least_s)

    def prepare(self, view: AudioView) -> NDArray[np.float32]:
        """(N, S) samples."""
        return view.windows

    def build(self) -> "torch.nn.Module":
        """AST without its classifier, which becomes the head where labels are kept."""
        from transformers import ASTConfig, ASTModel

        settings = ASTConfig()
        if self.label_settings:
            self.head = self.with_weights("network", _classifier(settings.layer_norm_eps), _only_classifier)
        return self.with_weights("network", ASTModel(settings), _without_classifier)

    def embed(self, items: NDArray[np.float32]) -> Embedded:
        """(B, 768)."""
        with without_autocast("cpu"):  # the spectrograms are computed there, also for a network on a GPU
            spectrograms = _feature_extractor()(list(items), sampling_rate=RATE_HZ, return_tensors="np")["input_values"]
        return self.run(np.asarray(spectrograms, np.float32))

    def forward(self, batch: "torch.Tensor") -> "torch.Tensor":
        """The mean of the first two tokens, (B, 768)."""
        pooled: torch.Tensor = self.network(batch).pooler_output
        return pooled

    def probabilities(self, outputs: "torch.Tensor") -> "torch.Tensor":
        """Sigmoid, since many things are heard at once."""
        return outputs.sigmoid()


def _classifier(epsilon: float) -> "torch.nn.Module":
    """The classifier of an ASTForAudioClassification, with random weights; transformers does not export its class."""
    from torch import nn

    layers = {"layernorm": nn.LayerNorm(WIDTH, epsilon), "dense": nn.Linear(WIDTH, NUM_CLASSES)}
    return nn.Sequential(OrderedDict(layers))


def _only_classifier(tensors: Tensors) -> Tensors:
    """The state dict of an ASTForAudioClassification as that of its classifier."""
    prefix = "classifier."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _without_classifier(tensors: Tensors) -> Tensors:
    """The state dict of an ASTForAudioClassification as that of its ASTModel."""
    prefix = "audio_spectrogram_transformer."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if not name.startswith("classifier")}


@functools.cache
def _feature_extractor() -> Any:
    from transformers import ASTFeatureExtractor

    with warnings.catch_warnings():
        # Some mel bands are narrower than the spacing of the frequencies; AST was trained with them.
        warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
        return ASTFeatureExtractor()  # type: ignore[no-untyped-call]
