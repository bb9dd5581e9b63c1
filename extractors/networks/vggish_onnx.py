"""VGGish on a CPU without torch: the convolutions by ONNX Runtime, the dense layers by NumPy.

The same function as extractors/networks/vggish.py but for rounding. For some minutes of sound, to import torch takes
longer than all the rest.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks import onnx_bytes
from extractors.networks.onnx_bytes import Node, Value
from extractors.networks.onnx_session import num_threads, open_session

Floats = NDArray[np.float32]

_POOLED = {0: True, 3: True, 6: False, 8: True, 11: False, 13: True}
"""Number of each convolution in the published file -> whether a pool follows."""
_WIDTHS = (1, 64, 128, 256, 256, 512, 512)
_DENSE = {0: (4096, 12288), 2: (4096, 4096), 4: (128, 4096)}

SHAPES: Mapping[str, tuple[int, ...]] = {
    **{
        f"features.{number}.weight": (after, before, 3, 3)
        for number, before, after in zip(_POOLED, _WIDTHS[:-1], _WIDTHS[1:], strict=True)
    },
    **{f"features.{number}.bias": (after,) for number, after in zip(_POOLED, _WIDTHS[1:], strict=True)},
    **{f"embeddings.{number}.weight": shape for number, shape in _DENSE.items()},
    **{f"embeddings.{number}.bias": shape[:1] for number, shape in _DENSE.items()},
}
"""The tensors of the published file."""

PATCHES = 16
"""So many at a time take 60 MB between the convolutions; more take no less time."""


@dataclass(frozen=True)
class VGGishOnnx:
    """The network with its weights."""

    session: Any
    """Of ONNX Runtime: (B, 1, 96, 64) to (B, 512, 6, 4)."""
    tensors: Mapping[str, Floats]
    """Those of SHAPES."""

    @classmethod
    def of(cls, tensors: Mapping[str, Floats]) -> "VGGishOnnx":
        """The network with these weights, which have SHAPES."""
        return cls(open_session(_convolutions(tensors), num_threads()), tensors)

    def embed(self, patches: Floats) -> Floats:
        """(B, 96, 64) to (B, 128)."""
        parts = [patches[first : first + PATCHES] for first in range(0, len(patches), PATCHES)]
        maps = [self.session.run(None, {"patches": part[:, None]})[0] for part in parts]
        # The weights come from TensorFlow, which flattens with the channels last.
        x: Floats = np.concatenate(maps).transpose(0, 2, 3, 1).reshape(len(patches), -1)
        # On one thread: OpenBLAS's others spin while they wait.
        with _blas().limit(limits=1, user_api="blas"):
            for number in _DENSE:
                x = x @ self.tensors[f"embeddings.{number}.weight"].T
                x += self.tensors[f"embeddings.{number}.bias"]
                np.maximum(x, 0, out=x)
        return x


@functools.cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _convolutions(tensors: Mapping[str, Floats]) -> bytes:
    """The convolutions with their pools as an ONNX model."""
    nodes, last = [], "patches"
    weights: dict[str, Floats] = {}
    for number, is_pooled in _POOLED.items():
        names = [f"features.{number}.{kind}" for kind in ("weight", "bias")]
        weights |= {name: tensors[name] for name in names}
        made = f"{number}.convolved"
        nodes.append(Node("Conv", [last, *names], made, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}))
        nodes.append(Node("Relu", [made], last := f"{number}.relu"))
        if is_pooled:
            nodes.append(Node("MaxPool", [last], f"{number}.pool", {"kernel_shape": [2, 2], "strides": [2, 2]}))
            last = f"{number}.pool"
    ends = Value("patches", "patch", (1, 96, 64)), Value(last, "patch", (512, 6, 4))
    return onnx_bytes.model("VGGish", nodes, ends, weights)
