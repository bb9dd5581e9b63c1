"""Linear layers; on a CPU, large ones in float32 are multiplied by oneDNN, which PyTorch does not use for them itself.

PyTorch multiplies float32 by Intel's MKL, which on AMD processors was measured to take twice the time. On an Intel Xeon
(family 6, model 207, one thread) oneDNN gains nothing: 2.16 CPU s for a training step of CE at the dimensions of
MSR-VTT in place of 2.04, and 6.1 s in place of 6.0 for an evaluation. The products are the same but for rounding.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from pipeline.running.onednn import is_for_it, operator, product

LARGE = 1 << 18
"""Number of weights from which on a layer is multiplied by oneDNN: for smaller ones the extra call costs more than it
gains. The number of rows does not decide, so that a result does not depend on the batch size."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(..., D_in) times the transpose of weight (D_out, D_in), plus bias (D_out,) -> (..., D_out)"""
    if _by_onednn(x, weight):
        multiplied: Tensor = _OneDNN.apply(x, weight, bias)
        return multiplied
    return functional.linear(x, weight, bias)


class Linear(nn.Linear):
    """nn.Linear, with the same initial weights, that multiplies by `linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., D_in) -> (..., D_out)"""
        return linear(x, self.weight, self.bias)


class _OneDNN(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_x, to_weight, to_bias = ctx.needs_input_grad
        rows, gradients = x.reshape(-1, x.shape[-1]), gradient.reshape(-1, gradient.shape[-1])
        return (
            product(gradient, weight.t()) if to_x else None,
            product(gradients.t(), rows.t()) if to_weight else None,
            gradients.sum(0) if to_bias else None,
        )


def _by_onednn(x: Tensor, weight: Tensor) -> bool:
    return weight.numel() >= LARGE and is_for_it(x, weight) and operator() is not None
