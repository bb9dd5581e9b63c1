"""Gates: a vector decides, alone or with its context, which of its own entries pass. B videos, D feature."""

from torch import Tensor, nn
from torch.nn import functional

from models.networks.linear import Linear
from models.networks.norms import BatchNorm


def unit(x: Tensor) -> Tensor:
    """`x` at length 1 along its last axis, in float32; zeros stay zeros."""
    return functional.normalize(x.float(), dim=-1)


class ContextGate(nn.Module):
    """A vector that gates itself: (B, D) -> (B, D) of length 1."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc = Linear(dim, dim)
        self.norm = BatchNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D) -> (B, D)"""
        return unit(x * self.norm(self.fc(x)).sigmoid())


class GatedEmbedding(nn.Module):
    """A projection that gates itself (the Gated Embedding Unit of MoEE): (B, D_in) -> (B, D_out) of length 1."""

    def __init__(self, dim_in: int, dim_out: int) -> None:
        super().__init__()
        self.fc = Linear(dim_in, dim_out)
        self.gate = ContextGate(dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D_in) -> (B, D_out)"""
        gated: Tensor = self.gate(self.fc(x))
        return gated


class CollaborativeGate(nn.Module):
    """A vector that is gated by itself and by what the other experts say of it."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc = Linear(dim, dim)
        self.norm = BatchNorm(dim)
        self.context_norm = BatchNorm(dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, D) and its context (B, D) -> (B, D) of length 1."""
        return unit(x * (self.context_norm(context) + self.norm(self.fc(x))).sigmoid())
