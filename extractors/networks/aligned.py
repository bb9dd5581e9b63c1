"""Base classes of experts that a caption can be compared with, and of their text towers: both from one repository."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import TextEncoder
from extractors.networks import hub
from extractors.networks.base import NetworkExtractor
from extractors.networks.hub_model import TOKENIZER, HubParams, HubPlugin, load_model, load_tokenizer
from extractors.networks.placing import to_device
from extractors.networks.stand_ins import stand_in_model
from pipeline import config

if TYPE_CHECKING:
    import torch


def unit_length(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B, D), each row divided by its L2 norm; rows of zeros stay zero."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-12), np.float32)


def words_or_whole(
    values: NDArray[np.float32], is_word: NDArray[np.bool_], texts: Sequence[str], encoder: TextEncoder
) -> list[NDArray[np.float32]]:
    """For each of B texts its tokens that are words, (W, D) of length 1, of all that `values` (B, W, D) has.

    `is_word`: (B, W). A text without any has the vector (1, D) that the encoder gives it.
    """
    found = [unit_length(of_text[words]) for of_text, words in zip(values, is_word, strict=True)]
    without = [place for place, words in enumerate(found) if not len(words)]
    if without:
        for place, vector in zip(without, encoder.encode([texts[place] for place in without]), strict=True):
            found[place] = vector
    return found


class AlignedPlugin(HubPlugin):
    """One tower of a network; the name of its module says which of the network's towers it is."""

    @property
    def module(self) -> str:
        """The module in extractors/."""
        return type(self).__module__.rpartition(".")[2]

    def build_tower(self, of_text: bool) -> Any:
        """The tower, in float32 on the CPU, with its weights."""
        from extractors.networks.aligned_towers import TOWERS, tower

        model = stand_in_model(self) if self.source.seeded else load_model(self, TOWERS[self.module])
        self.settings = model.config
        """The configuration of the whole network."""
        return tower(self.module, model, of_text)


class AlignedExpert(AlignedPlugin, NetworkExtractor):
    """An expert over the tower of videos or sound."""

    def build(self) -> "torch.nn.Module":
        """The tower."""
        network: torch.nn.Module = self.build_tower(of_text=False)
        return network

    def load(self, device: str) -> None:
        """Build the tower and move it to the device, in evaluation mode."""
        self.device = device
        self.network = to_device(self.build(), device)

    def vectors(self, *inputs: "torch.Tensor") -> NDArray[np.float32]:
        """(B, D) of length 1 for inputs on the device."""
        import torch

        with torch.inference_mode():
            return unit_length(self.network(*inputs).float().cpu().numpy())


@dataclass(frozen=True)
class AlignedEncoderParams(HubParams):
    """Settings of the text tower: network, revision and dim are those of its expert."""

    __pydantic_config__ = config.STRICT
    max_tokens: int
    """Tokens of a text that are read; shorter ones are padded to it, so that a text does not depend on its batch."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")


class AlignedEncoder(AlignedPlugin, TextEncoder):
    """One vector of length 1 for each text, by the text tower."""

    more_files = TOKENIZER
    params: AlignedEncoderParams
    token_version = 1

    def load(self, device: str) -> None:
        """Move the text tower to the device."""
        self._device = device
        self._tower: Any = to_device(self.build_tower(of_text=True), device)
        self._tokenizer = None if self.source.seeded else load_tokenizer(self)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text its vector, (1, D)."""
        import torch

        with torch.inference_mode():
            ids, mask = (one.to(self._device) for one in self.tokens(texts)[:2])
            values = self._tower(ids, mask).float().cpu().numpy()
        return list(unit_length(values)[:, None])

    def encode_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors of its tokens (W, D), by the head that makes its own of one of them."""
        import torch

        from extractors.networks.aligned_towers import TOWERS

        compute = TOWERS[self.module][self.settings.model_type].tokens
        ids, mask, is_word = self.tokens(texts)
        with torch.inference_mode():
            values = compute(self._tower.model, ids.to(self._device), mask.to(self._device)).float().cpu().numpy()
        return words_or_whole(values, is_word.numpy(), texts, self)

    def tokens(self, texts: Sequence[str]) -> tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]:
        """Token ids (B, W), the mask of those that are not padding, and that of those that are in the text itself."""
        import torch

        length = self.params.max_tokens
        if self._tokenizer is not None:
            told = self._tokenizer(
                list(texts),
                padding="max_length",
                truncation=True,
                max_length=length,
                return_tensors="pt",
                return_special_tokens_mask=True,
            )
            is_special = told["special_tokens_mask"].bool()
            return told["input_ids"], told["attention_mask"], told["attention_mask"].bool() & ~is_special
        size = int(self.settings.text_config.vocab_size)
        ids = [[2, *(3 + one for one in hub.stand_in_ids(text, size - 3))][:length] for text in texts]
        padded = torch.tensor([one + [1] * (length - len(one)) for one in ids])
        mask = torch.tensor([[1] * len(one) + [0] * (length - len(one)) for one in ids])
        return padded, mask, mask.bool() & (torch.arange(length) > 0)
