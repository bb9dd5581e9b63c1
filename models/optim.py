"""Optimisers and schedules: those of the released models, and today's."""

import math
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from models.config import Training


class RectifiedAdam(Optimizer):
    """RAdam (Liu et al., 2020); with `lookahead` steps (Zhang et al., 2019), Ranger.

    The epsilon stands beside the root of the second moment before its bias is corrected, as in the released models; in
    torch.optim.RAdam it comes after.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        lookahead: int = 0,
    ) -> None:
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "betas": betas, "eps": eps, "lookahead": lookahead, "steps": 0
        }  # fmt: skip
        super().__init__(params, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Moves every parameter that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            moved = [param for param in group["params"] if param.grad is not None]
            group["steps"] += 1
            for param in moved:
                self._remember(param, group["lookahead"] > 0)
            self._move(group, moved)
            if group["lookahead"] and group["steps"] % group["lookahead"] == 0:
                self._look_back(moved)
        return None

    def _remember(self, param: Tensor, lookahead: bool) -> None:
        state = self.state[param]
        if not state:
            state["mean"], state["square"] = torch.zeros_like(param), torch.zeros_like(param)
            if lookahead:
                state["slow"] = param.clone()

    def _move(self, group: dict[str, Any], params: list[Tensor]) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        gradients = [param.grad for param in params if param.grad is not None]
        means, squares = self._states(params, "mean"), self._states(params, "square")
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
        rectified = _rectification(group["steps"], beta2)
        size = lr / (1 - beta1 ** group["steps"])
        if rectified is None:
            torch._foreach_add_(params, means, alpha=-size)
            return
        divisors = torch._foreach_sqrt(squares)
        torch._foreach_add_(divisors, group["eps"])
        torch._foreach_addcdiv_(params, means, divisors, -size * rectified)

    def _look_back(self, params: list[Tensor]) -> None:
        """Moves the slow weights half-way to the fast ones, and the fast ones there."""
        slow = self._states(params, "slow")
        torch._foreach_lerp_(slow, params, 0.5)
        torch._foreach_copy_(params, slow)

    def _states(self, params: list[Tensor], key: str) -> list[Tensor]:
        return [self.state[param][key] for param in params]


def _rectification(step: int, beta2: float) -> float | None:
    """Factor of the adaptive step; None while the variance of the adaptive rate is still unbounded."""
    longest = 2 / (1 - beta2) - 1
    left = beta2**step
    length = longest - 2 * step * left / (1 - left)
    if length < 5:
        return None
    ratio = (length - 4) / (longest - 4) * (length - 2) / length * longest / (longest - 2)
    return math.sqrt((1 - left) * ratio)


def optimizer(params: Iterable[Tensor], settings: Training) -> Optimizer:
    """The optimiser that the settings ask for."""
    lr, weight_decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "ranger":
        return RectifiedAdam(params, lr, weight_decay, betas=(0.95, 0.999), eps=1e-5, lookahead=6)
    if settings.optimizer == "radam":
        return RectifiedAdam(params, lr, weight_decay)
    return AdamW(params, lr=lr, weight_decay=weight_decay, fused=True)


def learning_rate(settings: Training, epoch: int) -> float:
    """The learning rate of an epoch, counted from 0."""
    if settings.schedule == "step":
        assert settings.gamma is not None
        return settings.learning_rate * settings.gamma**epoch
    return settings.learning_rate * (1 + math.cos(math.pi * epoch / settings.epochs)) / 2


@torch.no_grad()
def move_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Moves the weights and running statistics of `average` towards those of `model`, faster in the first steps."""
    decay = min(decay, (1 + step) / (10 + step))
    pairs = list(zip(average.state_dict().values(), model.state_dict().values(), strict=True))
    real = [(old, new) for old, new in pairs if old.is_floating_point()]
    torch._foreach_lerp_([old for old, _ in real], [new for _, new in real], 1 - decay)
    for old, new in pairs:
        if not old.is_floating_point():
            old.copy_(new)
