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
