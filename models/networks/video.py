"""Video encoders: turn the pooled vector of each expert into an embedding, by each kind of gating.

Every encoder takes E pooled vectors (B, D_e) and `available` (B, E), 1 or 0, and returns E vectors (B, D_out) of length
1; the two that concatenate the experts return a single vector.

B videos, E experts, P relations of an expert, D feature.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from models.architecture import RELATIONS, Architecture
from models.network_inputs import ExpertInput
from models.networks.activation import Mish
from models.networks.gates import CollaborativeGate, ContextGate, GatedEmbedding, unit
from models.networks.linear import Linear, linear
from models.networks.norms import BatchNorm, PairNorm

NO_PARTNER = 1e-11
"""Added to the number of relations, so that an expert without any has a mean of 0; the released models' value."""


class Separate(nn.Module):
    """MoEE: each expert by itself, in its own space ("CE - P, CG" in the paper's ablation)."""

    def __init__(self, dims_in: Sequence[int], dims_out: Sequence[int]) -> None:
        super().__init__()
        self.units = nn.ModuleList(GatedEmbedding(*dims) for dims in zip(dims_in, dims_out, strict=True))

    def forward(self, pooled: Sequence[Tensor], available: Tensor) -> list[Tensor]:
        """See the module's docstring."""
        return [embed(vector) for embed, vector in zip(self.units, pooled, strict=True)]


class Projected(nn.Module):
    """All experts projected to one shared space, each gated by itself ("CE - CG" in the paper's ablation)."""

    def __init__(self, dims_in: Sequence[int], dim: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(Linear(dim_in, dim) for dim_in in dims_in)
        self.gates = nn.ModuleList(ContextGate(dim) for _ in dims_in)

    def forward(self, pooled: Sequence[Tensor], available: Tensor) -> list[Tensor]:
        """See the module's docstring."""
        return [
            gate(unit(reduce(vector))) for gate, reduce, vector in zip(self.gates, self.reduce, pooled, strict=True)
        ]


class Collaborative(nn.Module):
    """All experts projected to one shared space, each gated by its mean relation to the available ones (section 3.2).

    The released code has two more designs without published results: `triplet` relates an expert to two others at a
    time, `star` to the mean of the available ones.
    """

    def __init__(self, dims_in: Sequence[int], settings: Architecture) -> None:
        super().__init__()
        dim = settings.shared_dim
        self.gating, self.include_self = settings.gating, settings.include_self
        self.places = RELATIONS[settings.gating]
        self.reduce = nn.ModuleList(Linear(dim_in, dim) for dim_in in dims_in)
        self.gates = nn.ModuleList(CollaborativeGate(dim) for _ in dims_in)
        self.first = Linear(self.places * dim, dim)
        self.relate = _layers(settings.num_g_layers - 1, settings, BatchNorm if self.gating == "parallel" else PairNorm)
        self.summarise = _layers(settings.num_h_layers, settings, PairNorm if self.gating == "star" else BatchNorm)

    def forward(self, pooled: Sequence[Tensor], available: Tensor) -> list[Tensor]:
        """See the module's docstring."""
        reduced = [unit(reduce(vector)) for reduce, vector in zip(self.reduce, pooled, strict=True)]
        if self.gating == "parallel":
            return self._at_once(reduced, available)
        if self.gating == "star":
            return self._beside_mean(reduced, available)
        return self._one_by_one(reduced, available)

    def _one_by_one(self, reduced: list[Tensor], available: Tensor) -> list[Tensor]:
        """As released: an expert is related to the gated vectors of those before it, and the ungated ones after it."""
        first, *others = self._placements()
        as_self = first(torch.stack(reduced, 1))
        partners = [[placed(vector) for vector in reduced] for placed in others]
        gated: list[Tensor] = []
        for index, gate in enumerate(self.gates):
            relation = as_self[:, index : index + 1]
            together = available[:, index : index + 1]
            for at_place, chosen in zip(partners, self._partners(index), strict=True):
                relation = relation + torch.stack([at_place[partner] for partner in chosen], 1)
                # Column by column: a list as an index is copied to a GPU, which waits for it.
                together = together * torch.stack([available[:, partner] for partner in chosen], 1)
            gated.append(gate(reduced[index], self.summarise(self._mean_relation(relation, together))))
            for placed, at_place in zip(others, partners, strict=True):
                at_place[index] = placed(gated[index])
        return gated

    def _partners(self, index: int) -> list[list[int]]:
        """For each further place of a relation, the indices of the expert's partners at that place."""
        every = itertools.product(range(len(self.gates)), repeat=self.places - 1)
        allowed = [group for group in every if self.include_self or len({index, *group}) == self.places]
        return [list(partners) for partners in zip(*allowed, strict=True)]

    def _at_once(self, reduced: list[Tensor], available: Tensor) -> list[Tensor]:
        """The paper's formula: every expert is related to the ungated vectors of the others.

        BatchNorm takes its statistics over all pairs together, so that the running statistics used in evaluation match
        those of training; with statistics pair by pair they would not.
        """
        together = torch.stack(reduced, 1)
        first, second = self._placements()
        relations = first(together).unsqueeze(2) + second(together).unsqueeze(1)
        both = available.unsqueeze(2) * available.unsqueeze(1)
        if not self.include_self:
            both = both * (1 - torch.eye(len(reduced), device=both.device))
        return self._gated(reduced, self.summarise(self._mean_relation(relations, both)))

    def _beside_mean(self, reduced: list[Tensor], available: Tensor) -> list[Tensor]:
        """Every expert is related to the mean of the available ones, itself included."""
        together = torch.stack(reduced, 1)
        centre = _mean(together, available).unsqueeze(1)
        first, second = self._placements()
        relations = self.relate(first(together) + second(centre))
        return self._gated(reduced, self.summarise(relations * available.unsqueeze(2)))

    def _mean_relation(self, relations: Tensor, together: Tensor) -> Tensor:
        """(..., P, D) after the first layer -> (..., D): what `relate` makes of each, averaged by `together` (..., P).

        The last layer is linear, so it is applied to the mean in place of each relation: one product in place of P.
        The mean's shares add up to a little less than 1, and to 0 for an expert without partners: so its bias.
        """
        if not self.relate:
            return _mean(relations, together)
        *before, last = self.relate
        assert isinstance(last, Linear)
        for layer in before:
            relations = layer(relations)
        shares = _shares(together)
        bias = last.bias * shares.sum(-1, keepdim=True)
        return linear((shares.unsqueeze(-2) @ relations).squeeze(-2), last.weight) + bias

    def _gated(self, reduced: list[Tensor], contexts: Tensor) -> list[Tensor]:
        """The experts, each gated by its entry in `contexts` (B, E, D)."""
        triples = zip(self.gates, reduced, contexts.unbind(1), strict=True)
        return [gate(vector, context) for gate, vector, context in triples]

    def _placements(self) -> list[Callable[[Tensor], Tensor]]:
        """For each place of a relation, what the expert there contributes to the first layer, which sums over them.

        The layer's weights are cut once for all experts: oneDNN wants each part contiguous.
        """
        parts = [part.contiguous() for part in self.first.weight.chunk(self.places, 1)]
        return [
            partial(linear, weight=part, bias=None if place else self.first.bias) for place, part in enumerate(parts)
        ]


class Concatenated(nn.Module):
    """Concatenates the experts ("Concat" in the paper's ablation), and cuts or pads them to the caption's length.

    The authors padded the shorter of the two with zeros, which gives the same products. Where the caption was longer,
    they did not copy the video into the padded array, so that all scores were 0 and the published R@1 on MSR-VTT is
    0.0; that error is not repeated. A missing expert is zeros, or NetVLAD's output for zeros.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, pooled: Sequence[Tensor], available: Tensor) -> list[Tensor]:
        """See the module's docstring; the vector is not of length 1."""
        joined = torch.cat(tuple(pooled), 1)
        return [nn.functional.pad(joined, (0, self.length - joined.shape[1]))]  # a negative margin cuts


class Mixed(nn.Module):
    """Concatenates the experts and gates the result: one vector of length 1 ("concat_mix" in the released code)."""

    def __init__(self, dims_in: Sequence[int], dims_out: Sequence[int]) -> None:
        super().__init__()
        self.unit = GatedEmbedding(sum(dims_in), sum(dims_out))

    def forward(self, pooled: Sequence[Tensor], available: Tensor) -> list[Tensor]:
        """See the module's docstring."""
        return [self.unit(torch.cat(tuple(pooled), 1))]


def branches(experts: Sequence[ExpertInput], text_dim: int, settings: Architecture) -> tuple[nn.Module, nn.ModuleList]:
    """The video encoder that the settings ask for, and for each vector it returns the matching text encoder.

    A text encoder takes pooled captions (N, `text_dim`).
    """
    dims_in, dims_out = [expert.pooled_dim for expert in experts], [expert.dim for expert in experts]
    side: nn.Module
    if settings.gating == "concat":
        return Concatenated(text_dim), nn.ModuleList([nn.Identity()])
    if settings.gating == "concat_mix":
        return Mixed(dims_in, dims_out), nn.ModuleList([GatedEmbedding(text_dim, sum(dims_out))])
    if settings.gating == "moee":
        side = Separate(dims_in, dims_out)
    else:
        dims_out = [settings.shared_dim for _ in experts]
        side = (
            Projected(dims_in, settings.shared_dim) if settings.gating == "none" else Collaborative(dims_in, settings)
        )
    return side, nn.ModuleList(GatedEmbedding(text_dim, dim) for dim in dims_out)


def _layers(count: int, settings: Architecture, norm: type[BatchNorm]) -> nn.Sequential:
    """`count` blocks of [norm] - activation - linear."""
    activation = Mish if settings.activation == "mish" else nn.ReLU
    dim = settings.shared_dim
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [norm(dim)] if settings.batch_norm else []
        layers += [activation(), Linear(dim, dim)]
    return nn.Sequential(*layers)


def _mean(relations: Tensor, weights: Tensor) -> Tensor:
    """(..., P, D) averaged with weights (..., P) -> (..., D)"""
    return (_shares(weights).unsqueeze(-2) @ relations).squeeze(-2)


def _shares(weights: Tensor) -> Tensor:
    """Weights (..., P) divided by their sum; all 0 where they are."""
    return weights / (weights.sum(-1, keepdim=True) + NO_PARTNER)
