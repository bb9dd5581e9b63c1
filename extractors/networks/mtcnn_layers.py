"""The networks of MTCNN as plain functions: the same numbers, without what a module of PyTorch does around each layer.

Their layers are so small that this is a fifth of the first network's time.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Layer = Callable[["torch.Tensor"], "torch.Tensor"]


def plain(network: Any) -> Callable[["torch.Tensor"], tuple["torch.Tensor", ...]]:
    """What one of facenet-pytorch's three networks does: (N, 3, H, W) to moves, landmarks if it has them, confidence.

    Its layers follow one another as they are defined; those with an underscore in their names are heads, the first of
    which says how sure it is.
    """
    import torch

    named = [(name, layer) for name, layer in network.named_children() if not name.startswith("softmax")]
    trunk = [_function(layer) for name, layer in named if "_" not in name]
    surely, *others = (_function(layer) for name, layer in named if "_" in name)

    def run(values: "torch.Tensor") -> tuple["torch.Tensor", ...]:
        for layer in trunk:
            values = layer(values)
        return *(head(values) for head in others), torch.softmax(surely(values), 1)

    return run


def _function(layer: Any) -> Layer:
    """The function of a convolution, an activation, a pooling or a dense layer."""
    import torch
    from torch.nn import functional

    weight: Any = getattr(layer, "weight", None)
    bias: Any = getattr(layer, "bias", None)
    if isinstance(layer, torch.nn.Conv2d):
        return lambda values: torch.conv2d(values, weight, bias)
    if isinstance(layer, torch.nn.Linear):
        return lambda values: functional.linear(_flat(values), weight, bias)
    if isinstance(layer, torch.nn.PReLU):
        return lambda values: torch.prelu(values, weight)
    if (layer.kernel_size, layer.stride) == (2, 2):
        return pairs_maximum
    return lambda values: torch.max_pool2d(values, layer.kernel_size, layer.stride, ceil_mode=True)


def _flat(values: "torch.Tensor") -> "torch.Tensor":
    """(N, D) of what the first dense layer gets, (N, C, H, W), column by column; of what the others get, as it is."""
    return values.permute(0, 3, 2, 1).flatten(1) if values.ndim > 2 else values


def pairs_maximum(values: "torch.Tensor") -> "torch.Tensor":
    """What MaxPool2d(2, 2, ceil_mode=True) does, for few channels in a tenth of its time."""
    import torch
    from torch.nn import functional

    height, width = values.shape[2:]
    if height % 2 or width % 2:
        values = functional.pad(values, (0, width % 2, 0, height % 2), value=-torch.inf)
    rows = torch.maximum(values[..., ::2, :], values[..., 1::2, :])
    return torch.maximum(rows[..., ::2], rows[..., 1::2])
