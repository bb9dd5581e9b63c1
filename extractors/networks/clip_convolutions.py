"""Convolutions over clips, on a CPU: the sums of PyTorch's `Conv3d` in a fraction of its time.

PyTorch's convolutions in two dimensions are the faster ones: one of 1 x 1 over all frames takes a ninth to a half of
the time of one of 1 x 1 x 1, and one of 3 x 1 a fifth to a third of that of 3 x 1 x 1 (one thread). And where a kernel
has more frames, neighbouring results share products. Imported lazily, as it needs torch. B clips, C channels in, O out,
T frames of H x W pixels.
"""

import functools
import math
from abc import ABC, abstractmethod

import torch
from torch import nn

from extractors.networks.minimal_filtering import Matrices, matrices
from extractors.networks.own_layers import is_for_ours

TILE = 4
"""Frames that are computed together."""

TAPS = (3, 4)
"""Frames that a kernel may see, over its step in time: more lose digits, with fewer there is little to share."""

BLOCK = 8 << 20
"""Numbers in what is computed together, but for one tile of frames: 32 MB, before the products and after."""


def with_fast_convolutions(network: nn.Module) -> nn.Module:
    """The network, each `Conv3d` of it for which there is a faster way on a CPU computed by that.

    Layers keep their places, names and tensors, and what they compute on a GPU, of other numbers than float32, and with
    gradients.
    """
    for module in network.modules():
        if type(module) is nn.Conv3d:
            module.__class__ = _kind_of(module)
    return network


def _kind_of(convolution: nn.Conv3d) -> type[nn.Conv3d]:
    padding = convolution.padding
    if isinstance(padding, str) or convolution.padding_mode != "zeros" or convolution.groups > 1:
        return nn.Conv3d
    kernel, step = convolution.kernel_size, convolution.stride
    has_one = [(kernel[axis], step[axis], padding[axis]) == (1, 1, 0) for axis in range(3)]
    if has_one[0]:
        return InSpace
    if has_one[1] and has_one[2]:
        return InTime
    is_large = kernel[1] > 1 and kernel[2] > 1
    has_taps = convolution.dilation[0] == 1 and padding[0] < kernel[0] and -(-kernel[0] // step[0]) in TAPS
    return SharedProducts if is_large and has_taps else nn.Conv3d


class ByPictures(nn.Conv3d, ABC):
    """A convolution over clips that is computed by such of pictures, where it is one for ours."""

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, O, T', H', W'), channels last."""
        if clips.dim() != 5 or not is_for_ours(clips, self.weight, self.bias):
            return super().forward(clips)
        return self.by_pictures(clips.movedim(1, -1).contiguous()).movedim(-1, 1)

    @abstractmethod
    def by_pictures(self, films: torch.Tensor) -> torch.Tensor:
        """(B, T, H, W, C) to (B, T', H', W', O)."""

    @property
    def _pads(self) -> tuple[int, ...]:
        return tuple(int(size) for size in self.padding)

    def _convolved(
        self, pictures: torch.Tensor, weight: torch.Tensor, axes: slice, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """(N, H', W', O) of pictures (N, H, W, C), of which two axes of a clip are the height and the width."""
        settings = self.stride[axes], self._pads[axes], self.dilation[axes]
        weight = weight.contiguous(memory_format=torch.channels_last)
        return nn.functional.conv2d(pictures.movedim(-1, 1), weight, bias, *settings).movedim(1, -1)


class InSpace(ByPictures):
    """A convolution whose kernel has one frame: the frames are pictures."""

    def by_pictures(self, films: torch.Tensor) -> torch.Tensor:
        """As of the base class."""
        found = self._convolved(films.flatten(0, 1), self.weight[:, :, 0], slice(1, 3), self.bias)
        return found.reshape(*films.shape[:2], *found.shape[1:])


class InTime(ByPictures):
    """A convolution whose kernel has one pixel of each frame: a clip is a picture with a row for each frame."""

    def by_pictures(self, films: torch.Tensor) -> torch.Tensor:
        """As of the base class."""
        found = self._convolved(films.flatten(2, 3), self.weight[..., 0], slice(0, 2), self.bias)
        return found.reshape(*found.shape[:2], *films.shape[2:4], found.shape[-1])


class SharedProducts(ByPictures):
    """A convolution whose kernel has several frames, by minimal filtering along time.

    TILE frames take TILE + 2 products in two dimensions, of a kernel of three frames, in place of three times TILE.
    With a step in time the frames of a step are channels of one: I3D's first layer, of 7 frames and a step of 2, takes
    7 products of 6 channels in place of 28 of 3. In float32 results differ by 0.000004 of the largest one.
    """

    _kept: tuple[torch.Tensor, int, torch.Tensor] | None = None
    """The weights, their version, and what was made of them."""

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """As of the base class; of fewer frames than the kernel sees there is nothing to share."""
        if self._num_found(clips.shape[-3]) < 1:
            return nn.Conv3d.forward(self, clips)
        return super().forward(clips)

    def by_pictures(self, films: torch.Tensor) -> torch.Tensor:
        """As of the base class."""
        length, size = self._num_found(films.shape[1]), self._size(films)
        films = self._by_step(films, length)
        tiles = [(clip, start) for clip in range(len(films)) for start in range(0, length, TILE)]
        found = films.new_empty(len(films), length, *size)
        at_once = max(1, BLOCK // (len(self._weights) * max(math.prod(films.shape[2:]), math.prod(size))))
        to_films = self._matrices[1]
        for first in range(0, len(tiles), at_once):
            part = tiles[first : first + at_once]
            products = self._products(films, part, size)
            for index, (clip, start) in enumerate(part):
                results = found[clip, start : start + TILE].flatten(1)
                torch.mm(to_films[: len(results)], products[:, index].flatten(1), out=results)
        return found

    @property
    def _num_taps(self) -> int:
        return -(-self.kernel_size[0] // self.stride[0])

    def _num_found(self, num_frames: int) -> int:
        """T'"""
        return (num_frames + 2 * self._pads[0] - self.kernel_size[0]) // self.stride[0] + 1

    def _size(self, films: torch.Tensor) -> tuple[int, int, int]:
        """(H', W', O)"""
        settings = zip(self.kernel_size, self.stride, self._pads, self.dilation, strict=True)
        _, height, width = (
            (length + 2 * padding - apart * (kernel - 1) - 1) // step + 1
            for length, (kernel, step, padding, apart) in zip(films.shape[1:4], settings, strict=True)
        )
        return height, width, self.out_channels

    @functools.cached_property
    def _filtering(self) -> Matrices:
        return matrices(TILE, self._num_taps)

    @functools.cached_property
    def _matrices(self) -> tuple[torch.Tensor, torch.Tensor]:
        """From films to what is multiplied, and from the products to films."""
        return torch.from_numpy(self._filtering.inputs).float(), torch.from_numpy(self._filtering.outputs).float()

    @property
    def _weights(self) -> torch.Tensor:
        """(P, O, h, w, C of a step); made anew where others were loaded into the layer."""
        version = 0 if self.weight.is_inference() else self.weight._version
        if self._kept is None or (self._kept[0].data_ptr(), self._kept[1]) != (self.weight.data_ptr(), version):
            # Their memory is held too: no others come to lie at the same place meanwhile.
            self._kept = self.weight.detach(), version, self._made_weights()
        return self._kept[2]

    def _made_weights(self) -> torch.Tensor:
        missing = self._num_taps * self.stride[0] - self.kernel_size[0]
        weight = nn.functional.pad(self.weight.detach(), (0, 0, 0, 0, 0, missing))
        by_step = weight.view(*weight.shape[:2], self._num_taps, self.stride[0], *weight.shape[3:])
        stepwise = by_step.movedim(3, 1).flatten(1, 2)
        to_products = torch.from_numpy(self._filtering.weights).float()
        return torch.einsum("pt,octhw->pohwc", to_products, stepwise).contiguous()

    def _by_step(self, frames: torch.Tensor, length: int) -> torch.Tensor:
        """Of frames (B, T, H, W, C) the steps (B, S, H, W, C of a step), which are the frames where a step is one."""
        step, before = self.stride[0], self._pads[0]
        if step == 1:
            return frames
        num_steps = length + self._num_taps - 1
        films = frames.new_zeros(len(frames), num_steps, *frames.shape[2:4], step, frames.shape[-1])
        for index in range(min(frames.shape[1], num_steps * step - before)):
            place, phase = divmod(index + before, step)
            films[:, place, :, :, phase] = frames[:, index]
        return films.flatten(-2)

    def _products(self, films: torch.Tensor, tiles: list[tuple[int, int]], size: tuple[int, int, int]) -> torch.Tensor:
        """(P, tiles, H', W', O) of tiles, each given as the clip and the first of the frames that come of it."""
        number, from_films = len(self._weights), self._matrices[0]
        before = self._pads[0] if self.stride[0] == 1 else 0
        mixed = films.new_empty(number, len(tiles), *films.shape[2:])
        for index, (clip, start) in enumerate(tiles):
            first = start - before
            read = films[clip, max(first, 0) : first + number].flatten(1)
            # What lies before the first frame and after the last one is black, and takes no part.
            missing = max(0, -first)
            torch.mm(from_films[:, missing : missing + len(read)], read, out=mixed[:, index].flatten(1))
        products = films.new_empty(number, len(tiles), *size)
        for place, pictures in enumerate(mixed):
            bias = self.bias if place == self._filtering.one else None
            products[place] = self._convolved(pictures, self._weights[place].movedim(-1, 1), slice(1, 3), bias)
        return products
