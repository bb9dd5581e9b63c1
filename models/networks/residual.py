"""Heads that start from frozen scores: the untrained fusion of text-aligned experts, and corrections whose gates are 0.

    score = sum of a_e(c) p_e(v) (z_e + g_e(c) u_e . x_e) over the aligned experts / sum of a_e(c) p_e(v)
          + sum of p_e(v) g_e(c) u_e . x_e over the other experts, divided by the same

z_e is the calibrated frozen score of an expert (`models.inputs.aligned`), u_e . x_e the dot product of Collaborative
Experts, p_e whether the video has the expert. The gates g_e and the logits of the weights a_e are linear in the
caption and start at 0, the latter above the logarithms of fixed weights, so that the first score is the mean of the z_e
with those weights, exactly. A video that no aligned expert saw has
the corrections alone, which start at 0, the mean of wrong pairs.

The score stays a dot product of a vector of the caption and one of the video, as search needs it: of an aligned expert
they are (frozen, constant, learned), the constant taking off the mean of the frozen scores.

B videos, N captions, A aligned experts, E experts, D feature.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn

from models.architecture import Architecture
from models.network_inputs import AlignedInput, ExpertInput, TextInput
from models.networks.ce import CE, Embeddings
from pipeline.errors import ConfigError

CONSTANT = 2.0**-6
"""The constant entry of a video's vector: so small that two videos compared with each other do not notice it."""


class Residual(CE):
    """The network of the heads `residual` and `zero_shot`; of the latter nothing is trained."""

    mean: Tensor
    scale: Tensor
    base: Tensor
    counted: Tensor
    rows: Tensor

    def __init__(
        self, experts: Sequence[ExpertInput], text: TextInput, settings: Architecture, aligned: Sequence[AlignedInput]
    ) -> None:
        super().__init__(experts, text, settings)
        if not aligned:
            raise ConfigError(
                f"architecture.head: {settings.head} starts from experts that are aligned with text, and of "
                f"{', '.join(expert.name for expert in self.experts)} none is; take e.g. clip, or head: learned"
            )
        self.check_vector_per_expert(f"architecture.head: {settings.head}")
        self.aligned = tuple(sorted(aligned, key=lambda one: one.name))
        names = [expert.name for expert in self.experts]
        self.register_buffer("mean", torch.zeros(len(self.aligned)))
        self.register_buffer("scale", torch.ones(len(self.aligned)))
        self.register_buffer("base", torch.full((len(self.aligned),), 1 / len(self.aligned)))
        self._places = {one.name: place for place, one in enumerate(self.aligned)}
        self.register_buffer("counted", torch.tensor([float(name in self._places) for name in names]), persistent=False)
        self.register_buffer("rows", torch.tensor([names.index(one.name) for one in self.aligned]), persistent=False)
        self.mixture = None
        self.gates = _zeros(text.pooled_dim, len(names))
        self.shares = _zeros(text.pooled_dim, len(self.aligned)) if settings.mixture == "learned" else None

    def calibrate(self, name: str, mean: float, scale: float) -> None:
        """Sets how the frozen scores of an expert are shifted and scaled."""
        self.mean[self._places[name]] = mean
        self.scale[self._places[name]] = scale

    def weigh(self, weights: Mapping[str, float]) -> None:
        """Sets the weights of the aligned experts, all above 0, with which the training starts; even without."""
        for name, place in self._places.items():
            self.base[place] = weights[name]

    def embed_videos(
        self,
        experts: Mapping[str, Tensor],
        available: Mapping[str, Tensor],
        counts: Mapping[str, Tensor] | None = None,
        aligned: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> Embeddings:
        """As in CE; `aligned`: (B, D) frozen vectors of each aligned expert."""
        learned = super().embed_videos(experts, available, counts)
        vectors = []
        for expert, own in zip(self.experts, learned.vectors, strict=True):
            parts = [own.float()]
            if expert.name in self._places:
                frozen = aligned[expert.name].float()
                parts = [frozen, frozen.new_full((len(frozen), 1), CONSTANT), *parts]
            vectors.append(torch.cat(parts, 1))
        return Embeddings(tuple(vectors), learned.weights, counted=self.counted)

    def embed_texts(
        self, text: Tensor, counts: Tensor | None = None, aligned: Mapping[str, Tensor] = MappingProxyType({})
    ) -> Embeddings:
        """As in CE; `aligned`: (N, D) frozen vectors of each aligned expert."""
        pooled = self.text_pool(text, self._real(counts))
        gates = self.gates(pooled).float()
        vectors = []
        for index, (expert, embed) in enumerate(zip(self.experts, self.text, strict=True)):
            parts = [embed(pooled).float() * gates[:, index : index + 1]]
            if (place := self._places.get(expert.name)) is not None:
                frozen = aligned[expert.name].float() * self.scale[place]
                offset = (-self.mean[place] * self.scale[place] / CONSTANT).expand(len(frozen), 1)
                parts = [frozen, offset, *parts]
            vectors.append(torch.cat(parts, 1))
        return Embeddings(tuple(vectors), self._weights(pooled), counted=self.counted)

    def _weights(self, pooled: Tensor) -> Tensor:
        """(N, E): weights of the aligned experts, which sum to 1, and 1 for the others."""
        logits = pooled.new_zeros((len(pooled), len(self.aligned))) if self.shares is None else self.shares(pooled)
        weights = torch.ones((len(pooled), len(self.experts)), device=pooled.device)
        return weights.index_copy(1, self.rows, (logits.float() + self.base.log()).softmax(1))


def network(
    experts: Sequence[ExpertInput], text: TextInput, settings: Architecture, aligned: Sequence[AlignedInput] = ()
) -> CE:
    """The network that the settings ask for; ConfigError where its head needs experts that are aligned with text."""
    return Residual(experts, text, settings, aligned) if settings.is_aligned else CE(experts, text, settings)


def _zeros(dim_in: int, dim_out: int) -> nn.Linear:
    layer = nn.Linear(dim_in, dim_out)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
