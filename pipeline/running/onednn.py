"""Products of matrices of float32 on a CPU by oneDNN, a part of PyTorch that it does not use for them itself.

PyTorch multiplies them by Intel's MKL, which uses half of what an AMD processor with AVX-512 can: 50 products a
nanosecond on a core of an EPYC (Zen 5), where oneDNN makes 115. On an Intel Xeon (family 6, model 207) both are equal.
"""

import functools
import platform
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux tells what the processor is."""


def operator() -> "Callable[..., Tensor] | None":
    """oneDNN's linear layer; None where this build of PyTorch lacks it, whose own one is then to be used.

    The operator is private: torch.compile replaces a linear layer by it, and nothing public calls it.
    """
    import torch

    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)


def product(x: "Tensor", weight: "Tensor", bias: "Tensor | None" = None) -> "Tensor":
    """(..., D_in) times the transpose of weight (D_out, D_in), plus bias (D_out,) -> (..., D_out); needs `operator`."""
    if not (weight.is_contiguous() or weight.t().is_contiguous()):
        weight = weight.contiguous()  # oneDNN multiplies a slice of a matrix entry by entry
    multiply = operator()
    assert multiply is not None
    return multiply(x, weight, bias, "none", [], "")  # "none": no activation after it


def is_for_it(x: "Tensor", weight: "Tensor") -> bool:
    """Whether these are numbers that `product` multiplies: float32 on a CPU, outside of autocast."""
    import torch

    are_float32 = x.dtype == weight.dtype == torch.float32 and x.device.type == "cpu"
    return are_float32 and x.numel() > 0 and not torch.is_autocast_enabled("cpu")


@functools.cache
def is_faster_than_mkl() -> bool:
    """Whether MKL would use half of what the processor has, and oneDNN is there."""
    import torch

    has_avx512 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return "AuthenticAMD" in _processor() and has_avx512 and operator() is not None


def _processor() -> str:
    try:
        return CPUINFO.read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
