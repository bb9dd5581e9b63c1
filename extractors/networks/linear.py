"""Linear layers by oneDNN, on processors of AMD with AVX-512: half of the time of a transformer.

PyTorch multiplies matrices of float32 by MKL, which uses AVX2 alone on processors that are not Intel's: 50 products a
nanosecond and core of an AMD EPYC (Zen 5), where oneDNN, which is part of PyTorch too, has 115. CLIP's ViT-B/16 takes
0.17 CPU s a picture in place of 0.34. Imported lazily, as it needs torch.
"""

import functools
import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

_HAS_ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise")


def with_fast_linear(network: nn.Module, kinds: Sequence[type[nn.Linear]] = (nn.Linear,)) -> nn.Module:
    """The network, whose linear layers of exactly these kinds are computed by oneDNN where that is the faster way here.

    `kinds`: whose `forward` is that of `nn.Linear`. Layers keep their place, names and tensors.
    """
    if is_faster_here():
        for module in network.modules():
            if type(module) in kinds:
                module.__class__ = OneDnnLinear
    return network


@functools.cache
def is_faster_here() -> bool:
    """Whether MKL would multiply matrices of float32 with half of what the processor has."""
    vendor = Path("/proc/cpuinfo").read_text() if platform.system() == "Linux" else platform.processor()
    has_avx512 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return "AuthenticAMD" in vendor and has_avx512 and _HAS_ONEDNN


class OneDnnLinear(nn.Linear):
    """A linear layer that is computed by oneDNN where its input and weights are float32 on a CPU, without gradients."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(..., D) to (..., D')."""
        is_plain = input.dtype == self.weight.dtype == torch.float32 and input.device.type == "cpu"
        is_learned = torch.is_grad_enabled() and (input.requires_grad or self.weight.requires_grad)
        is_plain &= input.dim() > 1 and not torch.is_autocast_enabled("cpu") and not is_learned
        if not is_plain or not input.numel():
            return super().forward(input)
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(input, self.weight, self.bias, "none", [], "")
        return found
