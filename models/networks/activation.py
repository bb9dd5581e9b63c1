"""The activation of the relations between experts."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

HIGHEST = 20.0
"""From here on tanh(softplus(x)) is 1 in float32, and exp(x) squared still finite."""


class Mish(nn.Mish):
    """nn.Mish, x tanh(softplus(x)), in a third of the time on a CPU in float32, forward and backward together.

    With e = exp(x) the tanh is e (e + 2) / (e (e + 2) + 2): one exponential in place of four functions, and without the
    cancellation that a difference would bring. The derivative is made of the same e, and kept in place of the input.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(...) -> (...)"""
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return super().forward(x)
        activated: Tensor = _Mish.apply(x)
        return activated


class _Mish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        bounded = x.clamp(max=HIGHEST)
        e = bounded.exp()
        tanh = (e + 2).mul_(e)
        inverse = (tanh + 2).reciprocal_()
        tanh.mul_(inverse)
        activated = x * tanh
        if ctx.needs_input_grad[0]:
            # tanh + x 4 e (e + 1) / (e (e + 2) + 2)^2
            slope = torch.addcmul(e, e, e).mul_(inverse).mul_(inverse).mul_(bounded)
            ctx.save_for_backward(tanh.add_(slope, alpha=4))
        return activated

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        slope: Tensor
        (slope,) = ctx.saved_tensors
        return gradient * slope
