"""NetVLAD: a sequence of vectors becomes one. N sequences, T tokens, D feature, K clusters, G ghost clusters."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.norms import BatchNorm


class NetVLAD(nn.Module):
    """Residuals of the tokens to K learned centres, each centre's normalised, then all of them together.

    Arandjelovic et al., CVPR 2016, with the ghost clusters of Zhong et al., ACCV 2018.
    """

    def __init__(self, dim: int, clusters: int, ghost_clusters: int = 0) -> None:
        super().__init__()
        self.clusters = nn.Parameter(torch.randn(dim, clusters + ghost_clusters) / dim**0.5)
        self.centres = nn.Parameter(torch.randn(dim, clusters) / dim**0.5)
        self.norm = BatchNorm(clusters + ghost_clusters)

    def forward(self, tokens: Tensor, counts: Tensor | None = None) -> Tensor:
        """(N, T, D) -> (N, D * K) of length 1, feature by feature, the K clusters of a feature side by side.

        `counts` (N,): only the first so many tokens are real, the rest has no influence at all, and a sequence without
        any becomes zeros. None: all T count, the zeros of a padding as well, as in the released models.
        """
        assigned = self._assign(tokens, counts)[..., : self.centres.shape[1]]
        residuals = tokens.transpose(1, 2) @ assigned - assigned.sum(1).unsqueeze(1) * self.centres
        return functional.normalize(functional.normalize(residuals.float(), dim=1).flatten(1), dim=1)

    def _assign(self, tokens: Tensor, counts: Tensor | None) -> Tensor:
        """(N, T, K + G): how much of each token goes to each cluster; of a token that is not real, nothing."""
        logits: Tensor = tokens @ self.clusters
        if counts is None:
            everywhere: Tensor = self.norm(logits).softmax(-1)
            return everywhere
        real = torch.arange(tokens.shape[1], device=tokens.device) < counts.unsqueeze(1)
        shares: Tensor = self.norm(logits[real]).softmax(-1)
        nothing = torch.zeros_like(logits, dtype=shares.dtype)
        return nothing.masked_scatter(real.unsqueeze(-1), shares)


class First(nn.Module):
    """The first vector of each sequence as it is, for encoders that make one of a sentence."""

    def forward(self, tokens: Tensor, counts: Tensor | None = None) -> Tensor:
        """(N, T, D) -> (N, D)"""
        return tokens[:, 0]
