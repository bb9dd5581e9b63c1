"""One tower of an image-text network of transformers by the library's own function for it, whatever the network.

In a module of its own because a subclass of nn.Module needs torch at import time, and extractors import torch lazily.
"""

from typing import Any

import torch
from torch import nn

PARTS = {"image": ("vision_model", "visual_projection"), "text": ("text_model", "text_projection")}
"""Tower -> attributes, where a network has them, that only this tower needs."""


class PublicTower(nn.Module):
    """Maps pixels (B, 3, H, W), or token ids with their mask (2, B, W), to (B, D)."""

    def __init__(self, model: Any, of_text: bool) -> None:
        super().__init__()
        for name in PARTS["image" if of_text else "text"]:
            if getattr(model, name, None) is not None:
                setattr(model, name, None)  # so that the other tower takes no memory
        self.model, self.of_text = model, of_text

    def forward(self, batch: torch.Tensor) -> Any:
        """(B, D)."""
        if self.of_text:
            ids, mask = batch
            return self.model.get_text_features(input_ids=ids, attention_mask=mask).pooler_output
        return self.model.get_image_features(pixel_values=batch).pooler_output
