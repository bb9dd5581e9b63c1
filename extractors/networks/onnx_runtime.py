"""Runs a network on the CPU with ONNX Runtime, which fuses layers: the same function, for small networks in less time.

EfficientNet-Lite0 takes 0.5 to 0.6 of PyTorch's CPU time by it, both with folded batch norms.
"""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from extractors.networks.fixed_padding import fixed_padding
from extractors.networks.onnx_session import open_session

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

TOLERANCE = 1e-3
"""Largest difference of the outputs, relative to their largest value; rounding alone gives some 1e-6."""

BATCH = 2
"""Images of the example with which a network is converted and compared, and that it gets at a time from then on: what
lies between the layers stays in the cache. EfficientNet-Lite0 takes a tenth more for 4 at a time, a third for 32.
"""


def converted(network: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """The network (in evaluation mode, on the CPU) as one that runs with ONNX Runtime, for inputs (B, *shape).

    The network itself, with a warning, where it cannot be converted or the outputs differ by more than TOLERANCE.
    """
    import torch

    if isinstance(network, _OnnxNetwork):
        return network
    example = torch.randn(BATCH, *shape, generator=torch.Generator().manual_seed(0))
    try:
        session = open_session(_exported(network, example), torch.get_num_threads())
        with torch.inference_mode():
            expected = network(example)
        difference = (_run(session, example) - expected).abs().max() / expected.abs().max().clamp_min(1e-12)
    except Exception as error:  # exporters raise errors of many kinds; the network runs without them, only slower
        log.warning("not converted for ONNX Runtime (%s: %s); PyTorch runs it", type(error).__name__, str(error)[:200])
        return network
    if not difference < TOLERANCE:
        log.warning(
            "ONNX Runtime gives outputs that differ by %.2g of the largest; PyTorch runs the network", difference
        )
        return network
    return _OnnxNetwork(network, session, shape)


class _OnnxNetwork(nn.Module):
    """Runs inputs of the shape for which it was converted with ONNX Runtime, and others with PyTorch."""

    def __init__(self, network: nn.Module, session: Any, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.network, self.session, self.shape = network, session, shape

    def forward(self, batch: "torch.Tensor") -> "torch.Tensor":
        if tuple(batch.shape[1:]) != self.shape:
            output: torch.Tensor = self.network(batch)
            return output
        return _run(self.session, batch)


def _exported(network: nn.Module, example: "torch.Tensor") -> bytes:
    """The network as an ONNX model with a free batch size."""
    import torch

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), fixed_padding(network, example):
        file = Path(folder) / "network.onnx"
        # PyTorch's newer exporter takes 9 s for what this one does in 0.7 s, and two packages more.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (example,), file, dynamo=False, input_names=["input"], dynamic_axes={"input": {0: "batch"}}
        )
        return file.read_bytes()


def _run(session: Any, batch: "torch.Tensor") -> "torch.Tensor":
    import torch

    parts = (batch[first : first + BATCH] for first in range(0, len(batch), BATCH))
    outputs = [session.run(None, {"input": part.contiguous().numpy()})[0] for part in parts]
    return torch.from_numpy(np.concatenate(outputs))
