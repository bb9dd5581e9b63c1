"""Pools a sequence of vectors into one, by NetVLAD. N sequences, T tokens, D feature, K clusters, G ghost clusters."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.norms import BatchNorm


class NetVLAD(nn.Module):
    """Sums the residuals of the tokens to K learned centres; normalises each sum, then all of them together.

    Arandjelovic et al., CVPR 2016, with the ghost clusters of Zhong et al., ACCV 2018.
    """

    def __init__(self, dim: int, clusters: int, ghost_clusters: int = 0) -> None:
        super().__init__()
        self.clusters = nn.Parameter(torch.randn(dim, clusters + ghost_clusters) / dim**0.5)
        self.centres = nn.Parameter(torch.randn(dim, clusters) / dim**0.5)
        self.norm = BatchNorm(clusters + ghost_clusters)

    def forward(self, tokens: Tensor, counts: Tensor | None = None) -> Tensor:
        """(N, T, D) -> (N, D * K) of length 1; the K clusters of a feature are adjacent.

        `counts` (N,): number of real tokens; the others are ignored, and a sequence without real tokens becomes zeros.
        None: all T tokens are pooled, zero padding included, as in the released models.
        """
        assigned = self._assign(tokens, counts)[..., : self.centres.shape[1]]
        residuals = tokens.transpose(1, 2) @ assigned - assigned.sum(1).unsqueeze(1) * self.centres
        return functional.normalize(functional.normalize(residuals.float(), dim=1).flatten(1), dim=1)

    def _assign(self, tokens: Tensor, counts: Tensor | None) -> Tensor:
        """(N, T, K + G): soft assignment of each token to the clusters; zeros for padding."""
        logits: Tensor = tokens @ self.clusters
        if counts is None:
            shares: Tensor = self.norm(logits).softmax(-1)
            return shares
        real = torch.arange(tokens.shape[1], device=tokens.device) < counts.unsqueeze(1)
        if logits.device.type != "cpu":
            # How many are real is not known to who launches the kernels: picking them out would wait for the GPU.
            return self.norm.of_real(logits, real).softmax(-1) * real.unsqueeze(-1)
        shares = self.norm(logits[real]).softmax(-1)
        return torch.zeros_like(logits, dtype=shares.dtype).masked_scatter(real.unsqueeze(-1), shares)


class First(nn.Module):
    """Takes the first vector of each sequence, for encoders that give one vector a sentence."""

    def forward(self, tokens: Tensor, counts: Tensor | None = None) -> Tensor:
        """(N, T, D) -> (N, D)"""
        return tokens[:, 0]
