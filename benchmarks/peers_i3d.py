"""I3D as programs compute it that took it from its authors, for `peers_plain.py`.

The layers are those of `hassony2/kinetics_i3d_pytorch`, which `v-iashin/video_features` runs: convolutions and pools of
`torch.nn.functional` on clips (B, C, T, H, W) as they come, what does not fit padded with zeros before, branches joined
by `cat`. The weights are those of a network of ours, whose own computing takes no part.
"""

from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional

Size = tuple[int, int, int]


def features(network: Any, clips: torch.Tensor) -> torch.Tensor:
    """(B, 1024) of clips in -1..1."""
    clips = _pool(_unit(network.conv3d_1a_7x7, clips), (1, 3, 3), (1, 2, 2))
    clips = _unit(network.conv3d_2c_3x3, _unit(network.conv3d_2b_1x1, clips))
    clips = _pool(clips, (1, 3, 3), (1, 2, 2))
    blocks = [(name, block) for name, block in network.named_children() if name.startswith("mixed_")]
    for (before, _), (name, block) in pairwise([("mixed_3", None), *blocks]):
        if name[:7] != before[:7]:
            side = 3 if name.startswith("mixed_4") else 2
            clips = _pool(clips, (side, side, side), (2, 2, 2))
        clips = _mixed(block, clips)
    return functional.avg_pool3d(clips, (2, 7, 7), 1).flatten(2).mean(dim=2)


def _unit(unit: Any, clips: torch.Tensor) -> torch.Tensor:
    convolution = unit.conv3d
    pads = _same(convolution.kernel_size, convolution.stride)
    if all(before == after for before, after in pads):
        padding = [before for before, _ in pads]
    else:
        clips, padding = _padded(clips, pads), [0, 0, 0]
    found = functional.conv3d(clips, convolution.weight, None, convolution.stride, padding)
    return functional.relu(unit.batch3d(found), inplace=True)


def _pool(clips: torch.Tensor, kernel: Size, stride: Size) -> torch.Tensor:
    return functional.max_pool3d(_padded(clips, _same(kernel, stride)), kernel, stride, ceil_mode=True)


def _mixed(block: Any, clips: torch.Tensor) -> torch.Tensor:
    branches = [_unit(block.branch_0, clips)]
    branches += [_unit(last, _unit(first, clips)) for first, last in (block.branch_1, block.branch_2)]
    branches.append(_unit(block.branch_3[1], _pool(clips, (3, 3, 3), (1, 1, 1))))
    return torch.cat(branches, 1)


def _same(kernel: Size, stride: Size) -> list[tuple[int, int]]:
    """TensorFlow's SAME padding along each axis."""
    totals = [max(0, width - step) for width, step in zip(kernel, stride, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]


def _padded(clips: torch.Tensor, pads: list[tuple[int, int]]) -> torch.Tensor:
    return functional.pad(clips, [side for pair in reversed(pads) for side in pair])
