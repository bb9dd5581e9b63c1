"""A 3-D convolution of few channels as a 2-D one, whose channels are those of all the frames that it reads.

For the first layer of I3D, 7 x 7 x 7 on colour, a GPU has no fast kernel: 58 of 162 ms for 16 clips of 64 frames in
float32 (H200), where the other 56 convolutions together take 68. The sums are the same. B clips, C channels, T frames
of H x W pixels.
"""

import torch
from torch import nn

FEW = 4
"""Channels for which this pays: the input is copied once for each frame that the kernel reads, over its stride."""


def has_few_channels(convolution: nn.Conv3d) -> bool:
    """Whether it is one for `frame_by_frame`."""
    is_plain = convolution.groups == 1 and tuple(convolution.dilation) == (1, 1, 1)
    pads_by_number = convolution.padding_mode == "zeros" and not isinstance(convolution.padding, str)
    return is_plain and convolution.in_channels <= FEW and pads_by_number


def frame_by_frame(convolution: nn.Conv3d, clips: torch.Tensor) -> torch.Tensor:
    """What the convolution gives for clips (B, C, T, H, W): (B, C', T', H', W')."""
    assert not isinstance(convolution.padding, str)
    before, *sides = convolution.padding
    step, *steps = convolution.stride
    padded = nn.functional.pad(clips, (0, 0, 0, 0, before, before))
    read = padded.movedim(2, 1).unfold(1, convolution.kernel_size[0], step).movedim(-1, 2)
    num_clips, num_frames = read.shape[:2]
    weight = convolution.weight.transpose(1, 2).flatten(1, 2)
    stacks = read.reshape(num_clips * num_frames, weight.shape[1], *clips.shape[3:])
    found = nn.functional.conv2d(stacks, weight, convolution.bias, steps, sides)
    return found.view(num_clips, num_frames, *found.shape[1:]).movedim(1, 2)
