"""Optimisers and schedules: those of the released models, and today's."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.config import Training


@dataclass(frozen=True)
class Rule:
    """How a family of optimisers moves a weight."""

    betas: tuple[float, float]
    eps: float
    rectified: bool
    """RAdam (Liu et al., 2020) instead of Adam."""
    lookahead: int
    """Go back half-way to the slow weights every so many steps (Zhang et al., 2019); 0 = never."""


RULES = {
    "ranger": Rule((0.95, 0.999), 1e-5, rectified=True, lookahead=6),
    "radam": Rule((0.9, 0.999), 1e-8, rectified=True, lookahead=0),
    "adamw": Rule((0.9, 0.999), 1e-8, rectified=False, lookahead=0),
}
"""Those with `rectified` are the released models'."""

PIECE = 1 << 17
"""Numbers of a parameter that are moved at once on a CPU."""


class Optimizer:
    """Moves parameters by their gradients, with weight decay apart from them (Loshchilov and Hutter, 2019).

    Those of torch.optim would not do: its RAdam adds epsilon elsewhere, and the first use of any of them imports
    PyTorch's compiler, three seconds that a small training does not have.
    """

    def __init__(self, params: Iterable[Tensor], rule: Rule, weight_decay: float) -> None:
        self.params, self.rule, self.weight_decay = list(params), rule, weight_decay
        self.steps = 0
        self.state = {name: [torch.zeros_like(param) for param in self.params] for name in ("mean", "square")}
        if rule.lookahead:
            self.state["slow"] = [param.detach().clone() for param in self.params]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The parameters, where torch.amp.GradScaler looks for them."""
        return [{"params": self.params}]

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for param in self.params:
            param.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Moves every parameter that has a gradient, at this learning rate."""
        self.steps += 1
        chosen = [index for index, param in enumerate(self.params) if param.grad is not None]
        params = [self.params[index] for index in chosen]
        gradients = [param.grad for param in params if param.grad is not None]
        states = [[values[index] for index in chosen] for values in self.state.values()]
        for piece in _pieces([params, gradients, *states]):
            self._update(piece[0], piece[1], dict(zip(self.state, piece[2:], strict=True)), rate)

    def _update(
        self, params: list[Tensor], gradients: list[Tensor], state: Mapping[str, list[Tensor]], rate: float
    ) -> None:
        beta1, beta2 = self.rule.betas
        torch._foreach_lerp_(state["mean"], gradients, 1 - beta1)
        torch._foreach_mul_(state["square"], beta2)
        torch._foreach_addcmul_(state["square"], gradients, gradients, 1 - beta2)
        torch._foreach_mul_(params, 1 - rate * self.weight_decay)
        self._move(params, state, rate / (1 - beta1**self.steps))
        if self.rule.lookahead and self.steps % self.rule.lookahead == 0:
            torch._foreach_lerp_(state["slow"], params, 0.5)
            torch._foreach_copy_(params, state["slow"])

    def _move(self, params: list[Tensor], state: Mapping[str, list[Tensor]], size: float) -> None:
        left = 1 - self.rule.betas[1] ** self.steps
        if not self.rule.rectified:
            divisors = torch._foreach_div(torch._foreach_sqrt(state["square"]), math.sqrt(left))
        elif factor := rectification(self.steps, self.rule.betas[1]):
            # Here, as released, epsilon is added to the second moment before its bias is corrected.
            divisors, size = torch._foreach_sqrt(state["square"]), size * factor * math.sqrt(left)
        else:
            torch._foreach_add_(params, state["mean"], alpha=-size)
            return
        torch._foreach_add_(divisors, self.rule.eps)
        torch._foreach_addcdiv_(params, state["mean"], divisors, -size)


def _pieces(columns: list[list[Tensor]]) -> Iterator[list[list[Tensor]]]:
    """The same parameters, gradients and states in groups: large ones of a CPU in pieces that stay in its cache.

    A step passes over each number some ten times; from memory every time, it takes more than twice as long.
    """
    large = {index for index, param in enumerate(columns[0]) if param.numel() > PIECE and param.device.type == "cpu"}
    if len(large) < len(columns[0]):
        yield [[tensor for index, tensor in enumerate(column) if index not in large] for column in columns]
    for index in sorted(large):
        flat = [column[index].reshape(-1) if at == 1 else column[index].view(-1) for at, column in enumerate(columns)]
        for piece in zip(*(torch.split(tensor, PIECE) for tensor in flat), strict=True):
            yield [[tensor] for tensor in piece]


def rectification(step: int, beta2: float) -> float | None:
    """RAdam's factor of an adaptive step; None for the first ones, when the adaptive rate's variance is unbounded."""
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * beta2**step / (1 - beta2**step)
    if length < 5:
        return None
    return math.sqrt((length - 4) / (longest - 4) * (length - 2) / length * longest / (longest - 2))


def optimizer(params: Iterable[Tensor], settings: Training) -> Optimizer:
    """The optimiser that the settings ask for."""
    return Optimizer(params, RULES[settings.optimizer], settings.weight_decay)


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
