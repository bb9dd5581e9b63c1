"""How networks and batches come to a device, and in which parts batches go through.

Imported without torch, which its functions need.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def network_to_device(network: "torch.nn.Module", device: str, is_channels_last: bool = True) -> "torch.nn.Module":
    """The network on the device, in evaluation mode, its convolutions in the layout that is asked for."""
    import torch

    if not is_channels_last:
        return to_device(network, device).to(memory_format=torch.contiguous_format)
    in_3d = any(parameter.dim() == 5 for parameter in network.parameters())
    memory_format = torch.channels_last_3d if in_3d else torch.channels_last
    return to_device(network, device).to(memory_format=memory_format)


def to_device(network: "torch.nn.Module", device: str) -> "torch.nn.Module":
    """The network on the device, in evaluation mode, its layers computed as a CPU computes them fastest."""
    from extractors.networks.clip_convolutions import with_fast_convolutions
    from extractors.networks.linear import with_fast_linear

    network = network.eval().requires_grad_(False).to(device)
    return with_fast_convolutions(with_fast_linear(network)) if device == "cpu" else network


def array_to_device(items: NDArray[Any], device: str) -> "torch.Tensor":
    """A batch as a tensor on the device; copied to a GPU from pinned memory, asynchronously."""
    import torch

    batch = torch.from_numpy(np.ascontiguousarray(items))
    return batch if device == "cpu" else batch.pin_memory().to(device, non_blocking=True)


def equal_share(number: int, most: int) -> int:
    """The largest size, at most `most`, of equal parts of a number of items.

    A GPU's kernels depend on the shape: in equal parts of a full batch an item is computed in one way wherever it is.
    """
    return next(size for size in range(max(1, min(number, most)), 0, -1) if number % size == 0)


def full_parts(number: int, size: int) -> NDArray[np.int64]:
    """(parts, size) indices of a number of items, at least one; the last one fills the last part up.

    For items whose number depends on what is beside them, for the reason of `equal_share`.
    """
    return np.minimum(np.arange(-(-number // size) * size), number - 1).reshape(-1, size)


def without_autocast(device: str) -> AbstractContextManager[object]:
    """The context without autocast on this kind of device, whatever the precision of the batch."""
    import torch

    return torch.autocast(device.partition(":")[0], enabled=False)


def with_float32_output(network: "torch.nn.Module") -> "torch.nn.Module":
    """The network with its output cast to float32, for a library that calls `numpy()` on it: NumPy has no bfloat16."""
    network.register_forward_hook(lambda _, given, output: _to_float32(output))
    return network


def _to_float32(output: Any) -> Any:
    return tuple(map(_to_float32, output)) if isinstance(output, tuple) else output.float()
