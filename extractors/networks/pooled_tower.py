"""One tower of an image-text network of transformers with its projection.

In a module of its own because a subclass of nn.Module needs torch at import time, and extractors import torch lazily.
"""

from typing import Any

import torch
from torch import nn


class PooledTower(nn.Module):
    """Maps pixels or token ids to (B, D): the pooled output of the tower, projected where there is a projection."""

    def __init__(self, tower: nn.Module, projection: nn.Module | None) -> None:
        super().__init__()
        self.tower = tower
        self.projection = projection or nn.Identity()

    def forward(self, batch: torch.Tensor) -> Any:
        """(B, D)."""
        return self.projection(self.tower(batch).pooler_output)


class TokenTower(nn.Module):
    """Maps token ids (B, W) to (B, W, D): each token as the PooledTower maps the one that it takes for the text."""

    def __init__(self, pooled: nn.Module) -> None:
        super().__init__()
        self.pooled = pooled

    def forward(self, batch: torch.Tensor) -> Any:
        """(B, W, D)."""
        tower: Any = self.pooled.tower
        head = getattr(tower, "head", None) or nn.Identity()  # SigLIP's, which stands for the projection of CLIP
        return self.pooled.get_submodule("projection")(head(tower(batch).last_hidden_state))
