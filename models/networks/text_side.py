"""The text side of a network in NumPy: embeds one caption as `CE.embed_texts` does, but for rounding, without torch.

For a query, which is a few products of a vector and a matrix; to import torch takes longer than to answer it. Networks
that make one vector of all experts have no place in an index, and none here.

E experts, W words, D feature, K clusters, G ghost clusters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from models.architecture import Architecture
from models.network_inputs import AlignedInput, ExpertInput, TextInput

Floats = NDArray[np.float32]

NORM_EPSILON = np.float32(1e-5)
"""Added to a variance by torch's BatchNorm1d."""
LEAST_LENGTH = np.float32(1e-12)
"""To which torch's `normalize` lifts the length of a vector before it divides by it."""
CONSTANT = np.float32(2.0**-6)
"""The constant entry of a video's vector in a network of the head `residual`, as in `models.networks.residual`."""
_PARTS = ("text_pool.", "text.", "mixture.", "gates.", "shares.")
_CONSTANTS = {"mean", "scale", "base"}


def is_of_text_side(tensor: str) -> bool:
    """Whether the text side needs the tensor of this name in the network's state dict."""
    return tensor.startswith(_PARTS) or tensor in _CONSTANTS


@dataclass(frozen=True)
class EmbeddedText:
    """One caption, embedded expert by expert."""

    vectors: tuple[Floats, ...]
    """For each expert, in the model's order: (D_e,)."""
    weights: Floats
    """(E,)"""
    counted: Floats | None
    """(E,), 1 for the experts whose weights make up the mean, 0 for those that are added; None: all make it up."""


@dataclass(frozen=True)
class TextSide:
    """The layers that embed captions, with their weights; in evaluation mode."""

    experts: Sequence[ExpertInput]
    """The E experts, in the model's order."""
    text_input: TextInput
    settings: Architecture
    aligned: Sequence[AlignedInput]
    """The experts from whose frozen scores the network starts, by name; empty but for the head `residual`."""
    arrays: Mapping[str, NDArray[np.float32]]
    """The tensors of the state dict for which `is_of_text_side` holds."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the experts."""
        return tuple(expert.name for expert in self.experts)

    def embed(self, tokens: Floats, frozen: Mapping[str, Floats] = MappingProxyType({})) -> EmbeddedText:
        """The embedding of a caption of these tokens (W, D), W >= 1; `frozen`: vector (D,) of each aligned expert."""
        pooled = self._pooled(tokens[: self.text_input.max_tokens])
        own = [self._unit(f"text.{index}", pooled) for index in range(len(self.experts))]
        if self.aligned:
            return self._above_frozen(pooled, own, frozen)
        count = len(self.experts)
        weights = _softmax(self._linear("mixture", pooled)) if self._has("mixture") else np.full(count, 1 / count)
        return EmbeddedText(tuple(own), np.asarray(weights, np.float32), None)

    def _above_frozen(self, pooled: Floats, own: Sequence[Floats], frozen: Mapping[str, Floats]) -> EmbeddedText:
        """As `models.networks.residual` has it: (frozen, constant, learned) of an aligned expert, else what is learned.

        The frozen weights are those of the aligned experts alone; the others have a weight of 1.
        """
        gates, places = self._linear("gates", pooled), {one.name: place for place, one in enumerate(self.aligned)}
        logits: Floats = np.log(self.arrays["base"])
        if self._has("shares"):
            logits = logits + self._linear("shares", pooled)
        shares, weights, vectors = _softmax(logits), np.ones(len(own), np.float32), []
        for index, name in enumerate(self.names):
            parts = [own[index] * gates[index]]
            if name in places:
                mean, scale = (self.arrays[constant][places[name]] for constant in ("mean", "scale"))
                parts = [frozen[name] * scale, np.array([-mean * scale / CONSTANT], np.float32), *parts]
                weights[index] = shares[places[name]]
            vectors.append(np.concatenate(parts))
        return EmbeddedText(tuple(vectors), weights, np.array([name in places for name in self.names], np.float32))

    def _pooled(self, tokens: Floats) -> Floats:
        """The first token, or NetVLAD of all: (D * K,), the K clusters of a feature adjacent."""
        if not self.text_input.clusters:
            first: Floats = tokens[0]
            return first
        if not self.settings.mask_padding:
            tokens = np.pad(tokens, ((0, self.text_input.max_tokens - len(tokens)), (0, 0)))
        centres = self.arrays["text_pool.centres"]
        assigned = _softmax(self._norm("text_pool.norm", tokens @ self.arrays["text_pool.clusters"]))
        assigned = assigned[:, : centres.shape[1]]
        residuals = tokens.T @ assigned - assigned.sum(0) * centres
        return _of_length_1(_of_length_1(residuals, axis=0).ravel())

    def _unit(self, name: str, pooled: Floats) -> Floats:
        """The gated embedding unit of one expert."""
        vector = self._linear(f"{name}.fc", pooled)
        gate = self._norm(f"{name}.gate.norm", self._linear(f"{name}.gate.fc", vector))
        return _of_length_1(vector * (np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * gate))))

    def _linear(self, name: str, x: Floats) -> Floats:
        product: Floats = self.arrays[f"{name}.weight"] @ x
        return product + self.arrays[f"{name}.bias"]

    def _norm(self, name: str, x: Floats) -> Floats:
        """Batch normalisation of the last axis by the running statistics."""
        mean, variance, weight, bias = (
            self.arrays[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        normalised: Floats = (x - mean) / np.sqrt(variance + NORM_EPSILON)
        return normalised * weight + bias

    def _has(self, layer: str) -> bool:
        return f"{layer}.weight" in self.arrays


def _of_length_1(x: Floats, axis: int = -1) -> Floats:
    length: Floats = np.sqrt((x * x).sum(axis=axis, keepdims=True))
    return np.asarray(x / np.maximum(length, LEAST_LENGTH), np.float32)


def _softmax(logits: Floats) -> Floats:
    """Along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)
