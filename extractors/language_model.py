"""Captions as the token vectors of a language model, through transformers; Collaborative Experts used OpenAI's GPT."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.networks import hub
from extractors.networks.base import NetworkEncoder, place
from pipeline import config
from pipeline.weights.catalog import hub_file
from pipeline.weights.files import WeightFile


@dataclass(frozen=True)
class EncoderParams:
    """Settings of the language model."""

    __pydantic_config__ = config.STRICT
    network: str = "openai-community/openai-gpt"
    """Repository on the Hugging Face hub, with model.safetensors and tokenizer.json."""
    kind: str = "openai-gpt"
    """Its model type in transformers."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Entries of its configuration there that differ from the default, e.g. n_layer: 48."""
    pool: Literal["tokens", "mean"] = "tokens"
    """tokens: a vector a token; mean: one vector a text, as sentence encoders are made for."""
    dim: int = 768
    """D, the width of the model."""
    max_tokens: int = 64
    """Further tokens of a text are cut off."""

    def __post_init__(self) -> None:
        if self.dim < 1 or self.max_tokens < 1:
            raise ValueError("dim and max_tokens must be at least 1")


class Encoder(NetworkEncoder):
    """One vector for each token as the last layer has it, or their mean."""

    version = 2
    params: EncoderParams

    @property
    def released(self) -> dict[str, str]:
        """The model and its tokenizer."""
        return dict.fromkeys(("network", "tokenizer"), self.params.network)

    def known(self, part: str) -> WeightFile:
        """The hub's."""
        return hub_file(self.params.network, hub.FILES[part])

    def load(self, device: str) -> None:
        """Put the model on the device, and read the tokenizer."""
        from transformers import AutoConfig

        settings = AutoConfig.for_model(self.params.kind, **self.params.sizes)
        self._device = device
        self._model: Any = place(hub.build(self, settings), device)
        self._tokenizer = None
        if not self.source.seeded:
            self._tokenizer = hub.read_tokenizer(self.path("tokenizer"), self.params.max_tokens)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its token vectors (W, D), W >= 1."""
        import torch

        ids = [self._ids(text) or [0] for text in texts]
        longest = max(map(len, ids))
        batch = torch.tensor([one + [0] * (longest - len(one)) for one in ids], device=self._device)
        shown = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in ids], device=self._device)
        with torch.inference_mode():
            states = self._model(batch, attention_mask=shown).last_hidden_state.float().cpu().numpy()
        tokens = [np.array(state[: len(one)]) for state, one in zip(states, ids, strict=True)]
        return tokens if self.params.pool == "tokens" else [one.mean(0, keepdims=True) for one in tokens]

    def _ids(self, text: str) -> list[int]:
        if self._tokenizer is not None:
            return list(self._tokenizer.encode(text).ids)
        return hub.stand_in_ids(text, self._model.config.vocab_size)[: self.params.max_tokens]
