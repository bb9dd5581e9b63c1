"""The video side: one pooled vector an expert in, one vector of length 1 an expert out, gated by one another or not.

B videos, E experts, P partners of an expert, D feature. All three classes are called with E pooled vectors (B, D_e) and
`available` (B, E), 1 or 0, and give E vectors (B, D_out).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.config import Architecture
from models.gates import CollaborativeGate, ContextGate, GatedEmbedding, unit
from models.norms import BatchNorm, PairNorm

NO_PARTNER = 1e-11
"""Added to the number of partners, so that an expert without any has a mean of 0 (the released models' value)."""


class Separate(nn.Module):
    """MoEE: each expert on its own, in its own space ("CE - P, CG" in the paper's ablation)."""

    def __init__(self, dims_in: Sequence[int], dims_out: Sequence[int]) -> None:
        super().__init__()
        self.units = nn.ModuleList(GatedEmbedding(*dims) for dims in zip(dims_in, dims_out, strict=True))

    def forward(self, pooled: Sequence[Tensor], available: Tensor) -> list[Tensor]:
        """See the module."""
        return [embed(vector) for embed, vector in zip(self.units, pooled, strict=True)]


class Projected(nn.Module):
    """All experts in one shared space, each gated by itself ("CE - CG" in the paper's ablation)."""

    def __init__(self, dims_in: Sequence[int], dim: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(nn.Linear(dim_in, dim) for dim_in in dims_in)
        self.gates = nn.ModuleList(ContextGate(dim) for _ in dims_in)

    def forward(self, pooled: Sequence[Tensor], available: Tensor) -> list[Tensor]:
        """See the module."""
        return [
            gate(unit(reduce(vector))) for gate, reduce, vector in zip(self.gates, self.reduce, pooled, strict=True)
        ]


class Collaborative(nn.Module):
    """All experts in one shared space, each gated by its mean relation to the available ones (section 3.2)."""

    def __init__(self, dims_in: Sequence[int], settings: Architecture) -> None:
        super().__init__()
        dim = settings.shared_dim
        self.sequential = settings.gating == "sequential"
        self.include_self = settings.include_self
        self.reduce = nn.ModuleList(nn.Linear(dim_in, dim) for dim_in in dims_in)
        self.gates = nn.ModuleList(CollaborativeGate(dim) for _ in dims_in)
        self.first = nn.Linear(2 * dim, dim)
        self.relate = _layers(settings.num_g_layers - 1, settings, PairNorm if self.sequential else BatchNorm)
        self.summarise = _layers(settings.num_h_layers, settings, BatchNorm)

    def forward(self, pooled: Sequence[Tensor], available: Tensor) -> list[Tensor]:
        """See the module."""
        reduced = [unit(reduce(vector)) for reduce, vector in zip(self.reduce, pooled, strict=True)]
        return self._one_by_one(reduced, available) if self.sequential else self._at_once(reduced, available)

    def _one_by_one(self, reduced: list[Tensor], available: Tensor) -> list[Tensor]:
        """As released: when an expert is gated, its partners before it already are, and those after it are not."""
        as_self = self._as_self(torch.stack(reduced, 1))
        partners = [self._as_partner(vector) for vector in reduced]
        gated: list[Tensor] = []
        for index, gate in enumerate(self.gates):
            chosen = [other for other in range(len(reduced)) if other != index or self.include_self]
            relations = self.relate(as_self[:, index : index + 1] + torch.stack([partners[p] for p in chosen], 1))
            both = available[:, index : index + 1] * available[:, chosen]
            gated.append(gate(reduced[index], self.summarise(_mean(relations, both))))
            partners[index] = self._as_partner(gated[index])
        return gated

    def _at_once(self, reduced: list[Tensor], available: Tensor) -> list[Tensor]:
        """The paper's formula: every expert is gated by the others as they come from the projection.

        BatchNorm takes its statistics over the rows of all pairs together: the running statistics that replace them in
        evaluation are then what training saw, which those of single pairs are not.
        """
        together = torch.stack(reduced, 1)
        relations = self.relate(self._as_self(together).unsqueeze(2) + self._as_partner(together).unsqueeze(1))
        both = available.unsqueeze(2) * available.unsqueeze(1)
        if not self.include_self:
            both = both * (1 - torch.eye(len(reduced), device=both.device))
        contexts = self.summarise(_mean(relations, both)).unbind(1)
        return [gate(vector, context) for gate, vector, context in zip(self.gates, reduced, contexts, strict=True)]

    def _as_self(self, x: Tensor) -> Tensor:
        """What the first layer, on an expert beside its partner, makes of the expert: being linear, it adds the two."""
        return functional.linear(x, self.first.weight[:, : x.shape[-1]], self.first.bias)

    def _as_partner(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.first.weight[:, x.shape[-1] :])


def branch(dims_in: Sequence[int], dims_out: Sequence[int], settings: Architecture) -> nn.Module:
    """The video side that the settings ask for."""
    if settings.gating == "moee":
        return Separate(dims_in, dims_out)
    if settings.gating == "none":
        return Projected(dims_in, settings.shared_dim)
    return Collaborative(dims_in, settings)


def _layers(count: int, settings: Architecture, norm: type[BatchNorm]) -> nn.Sequential:
    """`count` times [norm] - activation - linear."""
    activation = nn.Mish if settings.activation == "mish" else nn.ReLU
    dim = settings.shared_dim
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [norm(dim)] if settings.batch_norm else []
        layers += [activation(), nn.Linear(dim, dim)]
    return nn.Sequential(*layers)


def _mean(relations: Tensor, weights: Tensor) -> Tensor:
    """(..., P, D) weighted by (..., P) -> (..., D)"""
    shares = weights / (weights.sum(-1, keepdim=True) + NO_PARTNER)
    return (shares.unsqueeze(-2) @ relations).squeeze(-2)
