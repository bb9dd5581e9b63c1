"""One tower of an image-text network of transformers, down to its vector in the common space.

In a file of its own, because a module defined here needs torch when it is imported, and the extractors do not.
"""

from typing import Any

import torch
from torch import nn


class PooledTower(nn.Module):
    """Pixels or token ids to (B, D): what the tower pools, through the projection where there is one."""

    def __init__(self, tower: nn.Module, projection: nn.Module | None) -> None:
        super().__init__()
        self.tower = tower
        self.projection = projection or nn.Identity()

    def forward(self, batch: torch.Tensor) -> Any:
        """(B, D)."""
        return self.projection(self.tower(batch).pooler_output)
