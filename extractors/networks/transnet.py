"""TransNet V2, which sees the boundaries between shots (Souček and Lokoč 2020, arXiv:2008.04838).

B clips of T frames, C channels. The modules are in the order of the released PyTorch port, whose file has other names.
"""

import torch
from torch import nn

HEIGHT_PX, WIDTH_PX = 27, 48
FILTERS = 16
DILATIONS = (1, 2, 4, 8)
REACH = 50
"""Frames before and after one with which it is compared."""
NUM_COLOURS = 512


class Dilated(nn.Module):
    """Convolutions in space and then, at four distances, in time, side by side."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(_separable(channels, filters, dilation) for dilation in DILATIONS)
        self.norm = nn.BatchNorm3d(len(DILATIONS) * filters, eps=1e-3)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, 4 filters, T, H, W), normalised, without a non-linearity."""
        features: torch.Tensor = self.norm(torch.cat([branch(clips) for branch in self.branches], dim=1))
        return features


def _separable(channels: int, filters: int, dilation: int) -> nn.Sequential:
    space = nn.Conv3d(channels, 2 * filters, (1, 3, 3), padding=(0, 1, 1), bias=False)
    time = nn.Conv3d(2 * filters, filters, (3, 1, 1), dilation=(dilation, 1, 1), padding=(dilation, 0, 0), bias=False)
    return nn.Sequential(space, time)


class Stack(nn.Module):
    """Two layers with a shortcut around the second, and half the height and width."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.first = Dilated(channels, filters)
        self.second = Dilated(len(DILATIONS) * filters, filters)
        self.pool = nn.AvgPool3d((1, 2, 2))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, 4 filters, T, H // 2, W // 2)."""
        first = self.first(clips).relu()
        pooled: torch.Tensor = self.pool(self.second(first).relu() + first)
        return pooled


class Learned(nn.Module):
    """How alike a frame is to those around it, in features that were learned for it."""

    def __init__(self, channels: int, width: int = 128) -> None:
        super().__init__()
        self.projection = nn.Linear(channels, width)
        self.output = nn.Linear(2 * REACH + 1, width)

    def forward(self, stacks: list[torch.Tensor]) -> torch.Tensor:
        """(B, T, width) of the outputs of all stacks."""
        means = torch.cat([features.mean(dim=(3, 4)) for features in stacks], dim=1).transpose(1, 2)
        similar: torch.Tensor = self.output(_likeness(self.projection(means)))
        return similar.relu()


class Colours(nn.Module):
    """How alike a frame is to those around it, in its colours."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.output = nn.Linear(2 * REACH + 1, width)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """(B, T, width) of frames (B, T, H, W, 3) uint8."""
        similar: torch.Tensor = self.output(_likeness(_histograms(frames)))
        return similar.relu()


def _histograms(frames: torch.Tensor) -> torch.Tensor:
    """(B, T, 512), how many pixels of each frame have each colour, of 8 levels of red, green and blue."""
    red, green, blue = (frames.flatten(2, 3).long() >> 5).unbind(dim=-1)
    colours = (red << 6) + (green << 3) + blue
    counts = torch.zeros((*colours.shape[:2], NUM_COLOURS), dtype=torch.int32, device=frames.device)
    return counts.scatter_add_(2, colours, torch.ones_like(colours, dtype=torch.int32)).float()


def _likeness(vectors: torch.Tensor) -> torch.Tensor:
    """(B, T, 2 REACH + 1), cosines of each vector of (B, T, C) with those around it; 0 beyond the ends."""
    unit = nn.functional.normalize(vectors, dim=2)
    cosines = nn.functional.pad(unit @ unit.transpose(1, 2), (REACH, REACH))
    length = vectors.shape[1]
    here = torch.arange(length, device=vectors.device)[:, None]
    around = here + torch.arange(2 * REACH + 1, device=vectors.device)
    return cosines.gather(2, around.expand(len(vectors), -1, -1))


class TransNetV2(nn.Module):
    """Frames (B, T, 27, 48, 3) uint8 to logits (B, T, 2).

    Of the frame being the last one before a boundary (of a gradual one: in its middle), and of it lying anywhere in a
    transition.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = [FILTERS * 2**stack for stack in range(3)]
        channels = [len(DILATIONS) * width for width in widths]
        self.stacks = nn.ModuleList(Stack(*sizes) for sizes in zip([3, *channels[:-1]], widths, strict=True))
        self.learned = Learned(sum(channels))
        self.colours = Colours()
        self.hidden = nn.Linear(channels[-1] * (HEIGHT_PX // 8) * (WIDTH_PX // 8) + 2 * 128, 1024)
        self.boundary = nn.Linear(1024, 1)
        self.transition = nn.Linear(1024, 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """(B, T, 2)."""
        clips = frames.permute(0, 4, 1, 2, 3).float() / 255
        stacks = []
        for stack in self.stacks:
            clips = stack(clips)
            stacks.append(clips)
        pixels = clips.permute(0, 2, 3, 4, 1).flatten(2)
        hidden = self.hidden(torch.cat([self.colours(frames), self.learned(stacks), pixels], dim=2)).relu()
        return torch.cat([self.boundary(hidden), self.transition(hidden)], dim=2)
