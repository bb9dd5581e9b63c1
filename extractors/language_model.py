"""Text encoder on a language model of transformers: token vectors, or their mean.

The default is OpenAI's GPT, which Collaborative Experts used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.networks import hub
from extractors.networks.base import NetworkEncoder
from extractors.networks.bert import Bert
from extractors.networks.placing import network_to_device
from pipeline import config
from pipeline.weights.files import WeightFile


@dataclass(frozen=True)
class EncoderParams:
    """Settings of the language model."""

    __pydantic_config__ = config.STRICT
    network: str = "openai-community/openai-gpt"
    """Repository on the Hugging Face hub, or ...@<commit>; with model.safetensors and tokenizer.json."""
    kind: str = "openai-gpt"
    """Model type in transformers."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Settings of that model type that differ from the default, e.g. n_layer: 48."""
    pool: Literal["tokens", "mean", "unit_mean"] = "tokens"
    """tokens: one vector per token; mean: one vector per text, as for sentence encoders; unit_mean: with length 1."""
    dim: int = 768
    """D, the hidden size of the model."""
    max_tokens: int = 64
    """Longer texts are truncated."""

    def __post_init__(self) -> None:
        hub.check_commit(self.network)
        if self.dim < 1 or self.max_tokens < 1:
            raise ValueError("dim and max_tokens must be at least 1")


class Encoder(NetworkEncoder):
    """The last hidden state of each token, or their mean."""

    version = 2
    params: EncoderParams

    @property
    def published_names(self) -> dict[str, str]:
        """The model and its tokenizer."""
        return dict.fromkeys(("network", "tokenizer"), self.params.network)

    def published_file(self, part: str) -> WeightFile:
        """From the repository on the hub."""
        return hub.pinned_file(self.params.network, hub.FILES[part])

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same."""
        return self.published_file(part)

    def load(self, device: str) -> None:
        """Move the model to the device, and read the tokenizer."""
        from transformers import AutoConfig

        settings = AutoConfig.for_model(self.params.kind, **self.params.sizes)
        self._device = device
        self._model: Any = network_to_device(hub.build(self, settings), device)
        self._read_tokenizer()

    def load_for_queries(self) -> None:
        """Read BERT and its relatives without torch, where that gives the same."""
        light = None
        if self.params.kind == "bert" and not self.source.seeded:
            light = Bert.read(self.weight_path("network"), self.params.sizes)
        if light is None:
            self.load("cpu")
        else:
            self._model = light
            self._read_tokenizer()

    def _read_tokenizer(self) -> None:
        self._tokenizer = None
        if not self.source.seeded:
            self._tokenizer = hub.read_tokenizer(self.weight_path("tokenizer"), self.params.max_tokens)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its token vectors (W, D), W >= 1."""
        ids = [self._ids(text) or [0] for text in texts]
        is_light = isinstance(self._model, Bert)
        tokens = [self._model.states(row) for row in ids] if is_light else self._batch_states(ids)
        if self.params.pool == "tokens":
            return tokens
        means = [vectors.mean(0, keepdims=True) for vectors in tokens]
        if self.params.pool == "mean":
            return means
        return [mean / max(float(np.linalg.norm(mean)), 1e-12) for mean in means]  # as torch's normalize

    def _batch_states(self, ids: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """The last hidden states (W, D) of each text, all in one batch."""
        import torch

        longest = max(map(len, ids))
        batch = torch.tensor([[*row, *[0] * (longest - len(row))] for row in ids], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids], device=self._device)
        with torch.inference_mode():
            states = self._model(batch, attention_mask=mask).last_hidden_state.float().cpu().numpy()
        return [np.array(state[: len(row)]) for state, row in zip(states, ids, strict=True)]

    def _ids(self, text: str) -> list[int]:
        if self._tokenizer is not None:
            return list(self._tokenizer.encode(text).ids)
        return hub.stand_in_ids(text, self._model.config.vocab_size)[: self.params.max_tokens]
