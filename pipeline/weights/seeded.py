"""Stand-in weights: each tensor a pure function of its name and shape, so that anybody can rebuild the same network."""

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def fill(network: "torch.nn.Module", rename: Callable[[str], str] = lambda name: name) -> "torch.nn.Module":
    """The network with stand-ins in every tensor of its state; `rename` turns its names into those that decide."""
    import torch

    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() or name.endswith("num_batches_tracked"):
                tensor.copy_(torch.from_numpy(np.asarray(stand_in(rename(name), tuple(tensor.shape)))))
    return network


def stand_in(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The tensor called `name`, float32: He's scale for matrices and kernels, near 1 for scales, near 0 for shifts."""
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
            values *= 0.02  # RAFT adds up its steps, which would otherwise run away
    elif "bias" in last:
        values = 0.05 * noise
    else:
        values = 1 + 0.1 * noise
    return np.asarray(values, np.float32)
