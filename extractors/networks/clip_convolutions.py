"""Convolutions over clips, on a CPU: the sums of PyTorch's `Conv3d` in a fraction of its time.

PyTorch's convolutions in two dimensions are the faster ones: one of 1 x 1 over all frames takes a ninth to a half of
the time of one of 1 x 1 x 1, and one of 3 x 1 an eighth of that of 3 x 1 x 1 (one thread). And where a kernel has more
frames, neighbouring results share products. Imported lazily, as it needs torch. B clips, C channels in, O out, T frames
of H x W pixels.
"""

import math

import torch
from torch import nn

from extractors.networks.minimal_filtering import matrices

TILE = 4
"""Frames that are computed together."""

TAPS = (3, 4)
"""Frames that a kernel may see, over its step in time: more lose digits, with fewer there is little to share."""

BLOCK = 8 << 20
"""Numbers in what is computed together, but for one tile of frames: 32 MB, before the products and after."""

Settings = tuple[list[int], list[int], list[int]]
"""Stride, padding and dilation in two dimensions."""


def faster_on_cpu(network: nn.Module) -> nn.Module:
    """The network, each `Conv3d` of it for which there is a faster way on a CPU replaced by that.

    For networks that are computed in float32, without gradients. In 16 bits results would differ too much where
    products are shared, and nothing is gained elsewhere.
    """
    for name, module in list(network.named_modules()):
        replacement = _faster(module) if isinstance(module, nn.Conv3d) else None
        if replacement is not None and not name:
            return replacement
        if replacement is not None:
            network.set_submodule(name, replacement)
    return network


def _faster(convolution: nn.Conv3d) -> nn.Module | None:
    padding = convolution.padding
    if isinstance(padding, str) or convolution.padding_mode != "zeros":
        return None
    if convolution.groups > 1 or convolution.weight.dtype != torch.float32:
        return None
    kernel, step = convolution.kernel_size, convolution.stride
    has_one = [(kernel[axis], step[axis], padding[axis]) == (1, 1, 0) for axis in range(3)]
    if has_one[0]:
        return InSpace(convolution)
    if has_one[1] and has_one[2]:
        return InTime(convolution)
    is_large = kernel[1] > 1 and kernel[2] > 1
    has_taps = convolution.dilation[0] == 1 and padding[0] < kernel[0] and -(-kernel[0] // step[0]) in TAPS
    return SharedProducts(convolution) if is_large and has_taps else None


class _InTwoDimensions(nn.Module):
    """A convolution that is one of pictures, of which one axis is not there or stands for two."""

    _weight: torch.Tensor
    _bias: torch.Tensor | None

    def __init__(self, convolution: nn.Conv3d, weight: torch.Tensor, axes: slice) -> None:
        super().__init__()
        self.register_buffer("_weight", weight.contiguous(memory_format=torch.channels_last), persistent=False)
        self.register_buffer("_bias", _bias_of(convolution), persistent=False)
        self._settings = _settings(convolution, axes)


class InSpace(_InTwoDimensions):
    """A convolution whose kernel has one frame: the frames are pictures."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__(convolution, convolution.weight.detach()[:, :, 0], slice(1, 3))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, O, T, H', W'), channels last."""
        films = clips.movedim(1, -1).contiguous()
        found = _convolved(films.flatten(0, 1), self._weight, self._bias, self._settings)
        return found.reshape(*films.shape[:2], *found.shape[1:]).movedim(-1, 1)


class InTime(_InTwoDimensions):
    """A convolution whose kernel has one pixel of each frame: a clip is a picture with a row for each frame."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__(convolution, convolution.weight.detach()[..., 0], slice(0, 2))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, O, T', H, W), channels last."""
        films = clips.movedim(1, -1).contiguous()
        found = _convolved(films.flatten(2, 3), self._weight, self._bias, self._settings)
        return found.reshape(*found.shape[:2], *films.shape[2:4], found.shape[-1]).movedim(-1, 1)


class SharedProducts(nn.Module):
    """A convolution whose kernel has several frames, by minimal filtering along time.

    TILE frames take TILE + 2 products in two dimensions, of a kernel of three frames, in place of three times TILE.
    With a step in time the frames of a step are channels of one: I3D's first layer, of 7 frames and a step of 2, takes
    7 products of 6 channels in place of 28 of 3. In float32 results differ by 0.00001 of the largest one.
    """

    _from_films: torch.Tensor
    _to_films: torch.Tensor
    _weights: torch.Tensor
    """(P, O, h, w, C of a step)"""
    _bias: torch.Tensor | None

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        self._num_frames, self._step = convolution.kernel_size[0], convolution.stride[0]
        self._num_taps = -(-self._num_frames // self._step)
        found = matrices(TILE, self._num_taps)
        self.register_buffer("_from_films", torch.from_numpy(found.inputs).float(), persistent=False)
        self.register_buffer("_to_films", torch.from_numpy(found.outputs).float(), persistent=False)
        missing = self._num_taps * self._step - self._num_frames
        weight = nn.functional.pad(convolution.weight.detach(), (0, 0, 0, 0, 0, missing))
        by_step = weight.view(*weight.shape[:2], self._num_taps, self._step, *weight.shape[3:])
        stepwise = by_step.movedim(3, 1).flatten(1, 2)
        products = torch.einsum("pt,octhw->pohwc", torch.from_numpy(found.weights).float(), stepwise)
        self.register_buffer("_weights", products.contiguous(), persistent=False)
        self.register_buffer("_bias", _bias_of(convolution), persistent=False)
        self._place_of_bias = found.one
        self._padding = int(convolution.padding[0])
        self._before = self._padding if self._step == 1 else 0
        self._settings = _settings(convolution, slice(1, 3))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, O, T', H', W'), channels last."""
        films = self._films(clips.movedim(1, -1).contiguous())
        length = films.shape[1] + 2 * self._before - self._num_taps + 1
        if length < 1:
            raise ValueError(f"{clips.shape[2]} frames, of which the kernel sees {self._num_frames} at once")
        tiles = [(clip, start) for clip in range(len(films)) for start in range(0, length, TILE)]
        size = self._size(films)
        found = films.new_empty(len(films), length, *size)
        at_once = max(1, BLOCK // (len(self._weights) * max(math.prod(films.shape[2:]), math.prod(size))))
        for first in range(0, len(tiles), at_once):
            part = tiles[first : first + at_once]
            products = self._products(films, part, size)
            for index, (clip, start) in enumerate(part):
                results = found[clip, start : start + TILE].flatten(1)
                torch.mm(self._to_films[: len(results)], products[:, index].flatten(1), out=results)
        return found.movedim(-1, 1)

    def _films(self, frames: torch.Tensor) -> torch.Tensor:
        """Of frames (B, T, H, W, C) the steps (B, S, H, W, C of a step), which are the frames where a step is one."""
        step, padding = self._step, self._padding
        if step == 1:
            return frames
        length = (frames.shape[1] + 2 * padding - self._num_frames) // step + self._num_taps
        films = frames.new_zeros(len(frames), max(0, length), *frames.shape[2:4], step, frames.shape[-1])
        for index in range(min(frames.shape[1], length * step - padding)):
            place, phase = divmod(index + padding, step)
            films[:, place, :, :, phase] = frames[:, index]
        return films.flatten(-2)

    def _size(self, films: torch.Tensor) -> tuple[int, int, int]:
        """(H', W', O)"""
        sizes = zip(films.shape[2:4], self._weights.shape[2:4], *self._settings, strict=True)
        height, width = (
            (length + 2 * padding - apart * (kernel - 1) - 1) // step + 1
            for length, kernel, step, padding, apart in sizes
        )
        return height, width, self._weights.shape[1]

    def _products(self, films: torch.Tensor, tiles: list[tuple[int, int]], size: tuple[int, int, int]) -> torch.Tensor:
        """(P, tiles, H', W', O) of tiles, each given as the clip and the first of the frames that come of it."""
        number = len(self._weights)
        mixed = films.new_empty(number, len(tiles), *films.shape[2:])
        for index, (clip, start) in enumerate(tiles):
            first = start - self._before
            read = films[clip, max(first, 0) : first + number].flatten(1)
            # What lies before the first frame and after the last one is black, and takes no part.
            missing = max(0, -first)
            torch.mm(self._from_films[:, missing : missing + len(read)], read, out=mixed[:, index].flatten(1))
        products = films.new_empty(number, len(tiles), *size)
        for place, pictures in enumerate(mixed):
            bias = self._bias if place == self._place_of_bias else None
            products[place] = _convolved(pictures, self._weights[place].movedim(-1, 1), bias, self._settings)
        return products


def _settings(convolution: nn.Conv3d, axes: slice) -> Settings:
    assert not isinstance(convolution.padding, str)
    return list(convolution.stride[axes]), list(convolution.padding[axes]), list(convolution.dilation[axes])


def _bias_of(convolution: nn.Conv3d) -> torch.Tensor | None:
    return None if convolution.bias is None else convolution.bias.detach()


def _convolved(
    pictures: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, settings: Settings
) -> torch.Tensor:
    """(N, H', W', O) of pictures (N, H, W, C)."""
    return nn.functional.conv2d(pictures.movedim(-1, 1), weight, bias, *settings).movedim(1, -1)
