"""Captions as the token vectors of a language model, through transformers; Collaborative Experts used OpenAI's GPT."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors import words
from extractors.networks import NetworkEncoder, Tensors, place
from pipeline import config
from pipeline.weight_catalog import hub_file
from pipeline.weights import WeightFile


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

    version = 1
    params: EncoderParams

    @property
    def dim(self) -> int:
        """D, as the settings say."""
        return self.params.dim

    @property
    def released(self) -> dict[str, str]:
        """The model and its tokenizer."""
        return dict.fromkeys(("network", "tokenizer"), self.params.network)

    def known(self, part: str) -> WeightFile:
        """The hub's."""
        name = "tokenizer.json" if part == "tokenizer" else "model.safetensors"
        return hub_file(self.params.network, name)

    def load(self, device: str) -> None:
        """Put the model on the device, and read the tokenizer."""
        from transformers import AutoConfig, AutoModel

        settings = AutoConfig.for_model(self.params.kind, **self.params.sizes)
        model: Any = AutoModel.from_config(settings)  # type: ignore[no-untyped-call]
        names = model.state_dict().keys()
        self._device = device
        self._model: Any = place(self.filled("network", model, lambda tensors: _of_the_body(tensors, names)), device)
        self._tokenizer = None if self.source.seeded else self._read_tokenizer()

    def _read_tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.path("tokenizer")))
        tokenizer.enable_truncation(self.params.max_tokens)
        return tokenizer

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
        # A stand-in has no vocabulary: each word gets any place in the table, always the same.
        hashed = [zlib.crc32(word.lower().encode()) for word in words.tokens(text)]
        return [number % self._model.config.vocab_size for number in hashed[: self.params.max_tokens]]


def _of_the_body(tensors: Tensors, names: Any) -> Tensors:
    """The tensors of a file without those of its head, and without the prefix that heads put before the others."""
    modern = {_modern(name): tensor for name, tensor in tensors.items()}
    short = {name.partition(".")[2] if name not in names else name: tensor for name, tensor in modern.items()}
    return {name: tensor for name, tensor in short.items() if name in names}


def _modern(name: str) -> str:
    """BERT's files still name the scale and shift of their norms as TensorFlow did."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
