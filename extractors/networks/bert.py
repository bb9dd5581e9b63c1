"""BERT in NumPy: the last hidden states of one text, for a query that must not wait until torch is imported.

The layers are those of transformers' BertModel in evaluation mode, and the states the same but for rounding. Whatever
is not exactly as known here (a file of another format, a setting more, a tensor of another shape) is left to torch.

W tokens, H heads, D feature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extractors.networks.hub import without_head

Floats = NDArray[np.float32]

LAYER_NORM_EPSILON = np.float32(1e-12)


@dataclass(frozen=True)
class Sizes:
    """The settings of BERT in transformers that may differ from its defaults, which are those here."""

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    vocab_size: int = 30522
    max_position_embeddings: int = 512
    type_vocab_size: int = 2

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of each tensor, as in the state dict of BertModel without the layer that pools."""
        dim, inner = self.hidden_size, self.intermediate_size
        found: dict[str, tuple[int, ...]] = {
            "embeddings.word_embeddings.weight": (self.vocab_size, dim),
            "embeddings.position_embeddings.weight": (self.max_position_embeddings, dim),
            "embeddings.token_type_embeddings.weight": (self.type_vocab_size, dim),
            **_both("embeddings.LayerNorm", (dim,)),
        }
        for layer in range(self.num_hidden_layers):
            at = f"encoder.layer.{layer}"
            for name in ("self.query", "self.key", "self.value", "output.dense"):
                found |= _both(f"{at}.attention.{name}", (dim, dim))
            found |= _both(f"{at}.attention.output.LayerNorm", (dim,)) | _both(f"{at}.output.LayerNorm", (dim,))
            found |= _both(f"{at}.intermediate.dense", (inner, dim)) | _both(f"{at}.output.dense", (dim, inner))
        return found


def _both(name: str, weight: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}


@dataclass(frozen=True)
class Bert:
    """The network with its weights."""

    sizes: Sizes
    tensors: Mapping[str, Floats]

    @classmethod
    def read(cls, path: Path, settings: Mapping[str, int]) -> "Bert | None":
        """The network of these settings with the weights in a file; None for one that torch has to build."""
        if path.suffix != ".safetensors" or not settings.keys() <= {field.name for field in fields(Sizes)}:
            return None
        sizes = Sizes(**settings)
        if min(vars(sizes).values()) < 1 or sizes.hidden_size % sizes.num_attention_heads:
            return None
        shapes = sizes.shapes
        found = without_head(_tensors(path), shapes)
        return cls(sizes, found) if {name: array.shape for name, array in found.items()} == shapes else None

    def states(self, ids: Sequence[int]) -> Floats:
        """(W, D) of a text of these tokens, W >= 1."""
        words, places, kinds = (
            self.tensors[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        )
        x = self._norm("embeddings.LayerNorm", words[list(ids)] + kinds[0] + places[: len(ids)])
        for layer in range(self.sizes.num_hidden_layers):
            at = f"encoder.layer.{layer}"
            attended = self._linear(f"{at}.attention.output.dense", self._attention(f"{at}.attention.self", x))
            x = self._norm(f"{at}.attention.output.LayerNorm", attended + x)
            inner = _gelu(self._linear(f"{at}.intermediate.dense", x))
            x = self._norm(f"{at}.output.LayerNorm", self._linear(f"{at}.output.dense", inner) + x)
        return x

    def _attention(self, name: str, x: Floats) -> Floats:
        """(W, D) -> (W, D), each head with its share of D."""
        heads = self.sizes.num_attention_heads
        query, key, value = (
            self._linear(f"{name}.{part}", x).reshape(len(x), heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        logits = query @ key.transpose(0, 2, 1) / np.float32(query.shape[-1] ** 0.5)
        raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
        attended: Floats = raised / raised.sum(axis=-1, keepdims=True) @ value
        return attended.transpose(1, 0, 2).reshape(len(x), -1)

    def _linear(self, name: str, x: Floats) -> Floats:
        product: Floats = x @ self.tensors[f"{name}.weight"].T
        return product + self.tensors[f"{name}.bias"]

    def _norm(self, name: str, x: Floats) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        scaled: Floats = centred / np.sqrt(variance + LAYER_NORM_EPSILON)
        return scaled * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]


def _tensors(path: Path) -> dict[str, Floats]:
    """The float32 tensors of a safetensors file; nothing where it is none, or is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (SafetensorError, OSError, ValueError, TypeError, KeyError):  # also of a type that NumPy does not have
        return {}
    return {name: array for name, array in arrays.items() if array.dtype == np.float32}


def _gelu(x: Floats) -> Floats:
    """x times the normal distribution's share below it, by formula 7.1.26 of Abramowitz and Stegun: within 1.5e-7."""
    size = np.abs(x) * np.float32(0.5**0.5)
    t: Floats = np.reciprocal(1 + np.float32(0.3275911) * size)
    tail: Floats = np.zeros_like(x)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + np.float32(factor)) * t
    half_tail: Floats = np.float32(0.5) * tail * np.exp(-size * size)
    return x * np.where(x < 0, half_tail, 1 - half_tail)
