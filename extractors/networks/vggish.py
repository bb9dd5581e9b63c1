"""VGGish, a small VGG network over log-mel patches.

Hershey et al. 2017, "CNN Architectures for Large-Scale Audio Classification". Imported lazily, as it needs torch.
"""

import torch
from torch import nn

NUM_FRAMES, NUM_BANDS, DIM = 96, 64, 128


class VGGish(nn.Module):
    """Maps log-mel patches (B, 96, 64) to (B, 128), after the last ReLU; parameter names as in the published file."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for widths in ((64,), (128,), (256, 256), (512, 512)):
            for width in widths:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        num_flat = channels * (NUM_FRAMES // 16) * (NUM_BANDS // 16)
        sizes = ((num_flat, 4096), (4096, 4096), (4096, DIM))
        self.embeddings = nn.Sequential(*(layer for size in sizes for layer in (nn.Linear(*size), nn.ReLU())))

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(B, 96, 64) to (B, 128)."""
        maps = self.features(patches.unsqueeze(1))
        # The weights come from TensorFlow, which flattens with the channels last.
        embedded: torch.Tensor = self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))
        return embedded
