"""Optimisers and learning rate schedules: those of the released models, and AdamW with a cosine."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.config import Training
from models.training.foreach import AdamW, adamw, foreach


@dataclass(frozen=True)
class Rule:
    """The update rule of an optimiser."""

    betas: tuple[float, float]
    eps: float
    rectified: bool
    """RAdam (Liu et al., 2020) instead of Adam."""
    lookahead: int
    """Lookahead (Zhang et al., 2019): number of steps between updates of the slow weights, by half; 0: none."""


RULES = {
    "ranger": Rule((0.95, 0.999), 1e-5, rectified=True, lookahead=6),
    "radam": Rule((0.9, 0.999), 1e-8, rectified=True, lookahead=0),
    "adamw": Rule((0.9, 0.999), 1e-8, rectified=False, lookahead=0),
}
"""Name of an optimiser -> its rule; ranger and radam are those of the released models."""

PIECE = 1 << 17
"""Number of entries of a parameter that are updated at once on a CPU."""


class Optimizer:
    """Updates parameters by a rule, with decoupled weight decay (Loshchilov and Hutter, 2019).

    torch.optim is not used for two reasons: its RAdam adds epsilon elsewhere than the released models' did, and its
    first use imports PyTorch's compiler, which takes three seconds, longer than a small training.
    """

    def __init__(self, params: Iterable[Tensor], rule: Rule, weight_decay: float) -> None:
        self.params, self.rule, self.weight_decay = list(params), rule, weight_decay
        self.steps = 0
        self.state = {name: [torch.zeros_like(param) for param in self.params] for name in ("mean", "square")}
        if rule.lookahead:
            self.state["slow"] = [param.detach().clone() for param in self.params]

    @property
    def param_groups(self) -> list[dict[str, list[Tensor]]]:
        """The parameters in the form in which torch.amp.GradScaler looks for them."""
        return [{"params": self.params}]

    def zero_grad(self) -> None:
        """Removes all gradients."""
        for param in self.params:
            param.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Updates every parameter that has a gradient, at learning rate `rate`."""
        self.steps += 1
        chosen = [index for index, param in enumerate(self.params) if param.grad is not None]
        params = [self.params[index] for index in chosen]
        gradients = [param.grad for param in params if param.grad is not None]
        state = {name: [values[index] for index in chosen] for name, values in self.state.items()}
        is_done, looks_ahead = self._at_once(params, gradients, state, rate), self._looks_ahead
        if is_done and not looks_ahead:
            return
        for piece in _pieces([params, gradients, *state.values()]):
            values = dict(zip(state, piece[2:], strict=True))
            if not is_done:
                self._update(piece[0], piece[1], values, rate)
            if looks_ahead:
                foreach("lerp_", values["slow"], piece[0], 0.5)
                foreach("copy_", piece[0], values["slow"])

    @property
    def _looks_ahead(self) -> bool:
        return bool(self.rule.lookahead) and self.steps % self.rule.lookahead == 0

    def _update(
        self, params: list[Tensor], gradients: list[Tensor], state: Mapping[str, list[Tensor]], rate: float
    ) -> None:
        beta1, beta2 = self.rule.betas
        foreach("lerp_", state["mean"], gradients, 1 - beta1)
        foreach("mul_", state["square"], beta2)
        foreach("addcmul_", state["square"], gradients, gradients, value=1 - beta2)
        foreach("mul_", params, 1 - rate * self.weight_decay)
        self._move(params, state, rate / (1 - beta1**self.steps))

    def _at_once(
        self, params: list[Tensor], gradients: list[Tensor], state: Mapping[str, list[Tensor]], rate: float
    ) -> bool:
        """Whether the step was one of AdamW, which PyTorch takes in one pass over the memory.

        RAdam is AdamW at another rate and, since its epsilon is added before the bias is corrected, with another
        epsilon; but for its first steps, which do without the second moment. The weights decay by the plain rate.
        """
        factor = rectification(self.steps, self.rule.betas[1]) if self.rule.rectified else 1.0
        if not factor or len({param.device for param in params}) > 1:
            return False
        eps = self.rule.eps
        if self.rule.rectified:
            eps /= math.sqrt(1 - self.rule.betas[1] ** self.steps)
        settings = AdamW(rate * factor, self.rule.betas, eps, self.weight_decay / factor, self.steps)
        return adamw(params, gradients, state["mean"], state["square"], settings)

    def _move(self, params: list[Tensor], state: Mapping[str, list[Tensor]], size: float) -> None:
        correction = 1 - self.rule.betas[1] ** self.steps
        if not self.rule.rectified:
            divisors = foreach("div", foreach("sqrt", state["square"]), math.sqrt(correction))
        elif factor := rectification(self.steps, self.rule.betas[1]):
            # As released, epsilon is added before the bias of the second moment is corrected.
            divisors, size = foreach("sqrt", state["square"]), size * factor * math.sqrt(correction)
        else:
            foreach("add_", params, state["mean"], alpha=-size)
            return
        foreach("add_", divisors, self.rule.eps)
        foreach("addcdiv_", params, state["mean"], divisors, value=-size)


def _pieces(columns: list[list[Tensor]]) -> Iterator[list[list[Tensor]]]:
    """The columns (parameters, gradients, states) in groups, of which large ones on a CPU are pieces that fit its
    cache.

    An update reads each entry some ten times; without pieces each comes from memory, and takes more than twice as long.
    """
    large = {index for index, param in enumerate(columns[0]) if param.numel() > PIECE and param.device.type == "cpu"}
    if len(large) < len(columns[0]):
        yield [[tensor for index, tensor in enumerate(column) if index not in large] for column in columns]
    for index in sorted(large):
        flat = [column[index].reshape(-1) if at == 1 else column[index].view(-1) for at, column in enumerate(columns)]
        for piece in zip(*(torch.split(tensor, PIECE) for tensor in flat), strict=True):
            yield [[tensor] for tensor in piece]


def rectification(step: int, beta2: float) -> float | None:
    """RAdam's rectification factor; None for the first steps, where the variance of the adaptive rate is unbounded."""
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * beta2**step / (1 - beta2**step)
    if length < 5:
        return None
    return math.sqrt((length - 4) / (longest - 4) * (length - 2) / length * longest / (longest - 2))


def optimizer(params: Iterable[Tensor], settings: Training) -> Optimizer:
    """The optimiser that the settings ask for."""
    return Optimizer(params, RULES[settings.optimizer], settings.weight_decay)


def learning_rate(settings: Training, epoch: int) -> float:
    """The learning rate of an epoch, which counts from 0."""
    if settings.schedule == "step":
        assert settings.gamma is not None
        return settings.learning_rate * settings.gamma**epoch
    return settings.learning_rate * (1 + math.cos(math.pi * epoch / settings.epochs)) / 2


@torch.no_grad()
def move_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Updates the moving average of weights and running statistics; the decay is smaller in the first steps."""
    decay = min(decay, (1 + step) / (10 + step))
    pairs = list(zip(average.state_dict().values(), model.state_dict().values(), strict=True))
    floats = [(old, new) for old, new in pairs if old.is_floating_point()]
    foreach("lerp_", [old for old, _ in floats], [new for _, new in floats], 1 - decay)
    for old, new in pairs:
        if not old.is_floating_point():
            old.copy_(new)
