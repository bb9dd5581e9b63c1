"""Stand-in weights: each tensor is a pure function of its name and shape, so everybody gets the same network."""

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def fill(network: "torch.nn.Module", rename: Callable[[str], str] = lambda name: name) -> "torch.nn.Module":
    """Fills every tensor of the network's state dict in place with stand-ins, and returns the network.

    `rename` maps the names in the state dict to those that seed the values. Integer buffers keep their values.
    """
    import torch

    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() or name.endswith("num_batches_tracked"):
                tensor.copy_(torch.from_numpy(np.asarray(stand_in(rename(name), tuple(tensor.shape)))))
    return network


def stand_in(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The stand-in called `name`, float32: He initialisation for matrices and kernels, scales near 1, biases near 0."""
    last = name.rpartition(".")[2]
    if last == "num_batches_tracked":
        return np.zeros(shape, np.float32)
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if last == "running_mean":
        values = 0.1 * noise
    elif last == "running_var":
        values = np.abs(1 + 0.2 * noise) + 0.1
    elif len(shape) >= 2:
        values = noise * np.sqrt(2 / np.prod(shape[1:]))
        if name.endswith("flow_head.conv2.weight"):
            values *= 0.02  # RAFT sums the outputs of its iterations, which would otherwise diverge
    elif "bias" in last:
        values = 0.05 * noise
    else:
        values = 1 + 0.1 * noise
    return np.asarray(values, np.float32)
