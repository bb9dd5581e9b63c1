"""Gating layers, which scale each entry of a vector by a sigmoid. B videos, D feature."""

from torch import Tensor, nn
from torch.nn import functional

from models.networks.linear import Linear
from models.networks.norms import BatchNorm


def unit(x: Tensor) -> Tensor:
    """`x` scaled to length 1 along its last axis, in float32; zeros stay zeros."""
    return functional.normalize(x.float(), dim=-1)


class ContextGate(nn.Module):
    """Self-gating (the Context Gating of MoEE): (B, D) -> (B, D) of length 1."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc = Linear(dim, dim)
        self.norm = BatchNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D) -> (B, D)"""
        return unit(x * self.norm(self.fc(x)).sigmoid())


class GatedEmbedding(nn.Module):
    """Projection with self-gating (the Gated Embedding Unit of MoEE): (B, D_in) -> (B, D_out) of length 1."""

    def __init__(self, dim_in: int, dim_out: int) -> None:
        super().__init__()
        self.fc = Linear(dim_in, dim_out)
        self.gate = ContextGate(dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D_in) -> (B, D_out)"""
        gated: Tensor = self.gate(self.fc(x))
        return gated


class CollaborativeGate(nn.Module):
    """Gates the vector of an expert by itself and by its relation to the other experts (section 3.2 of CE)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc = Linear(dim, dim)
        self.norm = BatchNorm(dim)
        self.context_norm = BatchNorm(dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """`x` (B, D) and its mean relation `context` (B, D) -> (B, D) of length 1."""
        return unit(x * (self.context_norm(context) + self.norm(self.fc(x))).sigmoid())
