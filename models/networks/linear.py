"""Linear layers. Large ones on a CPU are multiplied by oneDNN, which PyTorch carries but does not use for float32.

The library that it uses instead, MKL, takes AMD's processors for older ones than they are, and needs twice the time.
The products are the same but for rounding.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

LARGE = 1 << 18
"""Weights of a layer from which on a product takes longer than the detour; so that a result never depends on how many
rows were multiplied at once, their number does not decide."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(..., D_in) times the transpose of a weight (D_out, D_in), plus bias (D_out,) -> (..., D_out)"""
    if _by_onednn(x, weight):
        product: Tensor = _OneDNN.apply(x, weight, bias)
        return product
    return functional.linear(x, weight, bias)


class Linear(nn.Linear):
    """The usual layer, with the same weights at the start."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., D_in) -> (..., D_out)"""
        return linear(x, self.weight, self.bias)


class _OneDNN(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_x, to_weight, to_bias = ctx.needs_input_grad
        rows, given = x.reshape(-1, x.shape[-1]), gradient.reshape(-1, gradient.shape[-1])
        return (
            _product(gradient, weight.t()) if to_x else None,
            _product(given.t(), rows.t()) if to_weight else None,
            given.sum(0) if to_bias else None,
        )


def _by_onednn(x: Tensor, weight: Tensor) -> bool:
    plain = x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return plain and weight.numel() >= LARGE and x.numel() > 0 and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if not (weight.is_contiguous() or weight.t().is_contiguous()):
        weight = weight.contiguous()  # a part of a matrix would be multiplied number by number
    # What torch.compile makes of a linear layer; "none": no activation after it.
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product
