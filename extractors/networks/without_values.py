"""Networks whose tensors have no values yet, since a file or a stand-in gives them all."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def without_values(make: Callable[[], "torch.nn.Module"]) -> "torch.nn.Module":
    """The network that `make` makes, without memory for its tensors, which `NetworkPlugin.with_weights` fills all.

    To draw and then overwrite the 72 million values of VGGish takes a second. Not for networks with buffers that
    their state dict lacks.
    """
    import torch

    with torch.device("meta"):
        return make()
