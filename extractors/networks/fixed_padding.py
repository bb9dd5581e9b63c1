"""Gives convolutions that work out their padding from the size of each input the padding of one size.

TensorFlow pads so that a layer of stride s gives ceil(size / s) outputs ("SAME"): more at the far end, and by the size.
timm computes that in each pass. Exported, it is arithmetic on shapes that ONNX Runtime cannot see through: it then pads
in steps of their own, and arranges the channels anew before and after each. A padding that is a number becomes part of
the convolution: EfficientNet-Lite0 takes 0.65 to 0.75 of the time, and gives the same bits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@contextmanager
def fixed_padding(network: "torch.nn.Module", example: "torch.Tensor") -> Iterator[None]:
    """Context in which timm's convolutions with "SAME" padding pad as for `example` (B, 3, H, W), whatever they get.

    Those that get several sizes in one pass are left as they are.
    """
    found = _padded(network, example)
    for name, (convolution, sizes) in found.items():
        network.set_submodule(name, _with_padding(convolution, sizes))
    try:
        yield
    finally:
        for name, (convolution, _) in found.items():
            network.set_submodule(name, convolution)


def _padded(network: "torch.nn.Module", example: "torch.Tensor") -> dict[str, tuple[Any, tuple[int, int]]]:
    """Name -> a convolution that computes its padding, and the height and width of what it gets."""
    import torch

    convolutions = {name: module for name, module in network.named_modules() if type(module).__name__ == "Conv2dSame"}
    sizes: dict[str, set[tuple[int, int]]] = {name: set() for name in convolutions}

    def watch(module: Any, name: str) -> Any:
        return module.register_forward_pre_hook(lambda _, inputs: sizes[name].add(tuple(inputs[0].shape[-2:])))

    hooks = [watch(module, name) for name, module in convolutions.items()]
    try:
        if hooks:
            with torch.inference_mode():
                network(example)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: (module, *sizes[name]) for name, module in convolutions.items() if len(sizes[name]) == 1}


def _with_padding(convolution: Any, size: tuple[int, int]) -> "torch.nn.Module":
    """The convolution for inputs of this height and width."""
    from timm.layers.padding import pad_same_arg
    from torch import nn

    of = convolution
    fixed = nn.Conv2d(
        of.in_channels, of.out_channels, of.kernel_size, of.stride, 0, of.dilation, of.groups, device="meta"
    )
    fixed.weight, fixed.bias = of.weight, of.bias
    left, right, top, bottom = pad_same_arg(list(size), of.kernel_size, of.stride, of.dilation)
    return nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), fixed).eval()
