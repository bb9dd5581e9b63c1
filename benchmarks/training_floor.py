"""The floor of a training step on a CPU: its matrix products alone, and one pass over the optimiser's memory.

No step can be faster that computes the same products by the same library and keeps the same optimiser. The products are
those that a step is seen to compute, forward and backward; each is computed again by itself, on operands of the same
shapes and strides, which lie in the cache as far as they fit there.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from models.training.foreach import AdamW, adamw
from models.training.optim import Optimizer

PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "_linear_pointwise"}
READ_AND_WRITTEN = 7
"""Numbers that a step moves for each parameter: it reads the gradient, and reads and writes the parameter and its two
moments."""
LOOKAHEAD = 2
"""Numbers that Lookahead moves besides, when it comes in: it reads and writes the slow weight."""
MEASURED = 7
"""Numbers that the pass moves by which memory is measured: PyTorch's own pass of AdamW, which moves as many. A sum in
place, scaled by what it moves, was a tenth slower than that pass, and so no floor of it."""

Form = tuple[tuple[int, ...], tuple[int, ...], torch.dtype]
"""Shape, strides and type of an operand."""


class Products(TorchDispatchMode):
    """Sees the matrix products of what runs in its context."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[tuple[Any, tuple[Form | Any, ...]]] = Counter()
        """Operation and arguments -> how often; a tensor stands there as its form."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if operation.overloadpacket.__name__ in PRODUCTS:
            self.seen[operation, tuple(_described(argument) for argument in args)] += 1
        return operation(*args, **(kwargs or {}))

    def again(self) -> Callable[[], None]:
        """Computes each of the products anew, as often as it was seen."""
        with torch.no_grad():
            calls = [(operation, [_made(one) for one in args], count) for (operation, args), count in self.seen.items()]

        @torch.no_grad()
        def compute() -> None:
            for operation, args, count in calls:
                for _ in range(count):
                    operation(*args)

        return compute


@torch.no_grad()
def walk(optimizer: Optimizer) -> None:
    """Moves MEASURED numbers for each parameter between memory and processor; the moments change, no parameter does."""
    means, squares = optimizer.state["mean"], optimizer.state["square"]
    pairs = zip(optimizer.params, means, strict=True)
    gradients = [mean if param.grad is None else param.grad for param, mean in pairs]
    by = AdamW(0.0, optimizer.rule.betas, optimizer.rule.eps, 0.0, max(1, optimizer.steps))
    if not adamw(optimizer.params, gradients, means, squares, by):
        raise RuntimeError("this version of PyTorch takes a step of AdamW in many passes, so there is no floor")


def passes(optimizer: Optimizer) -> float:
    """How many times what `walk` moves a step of the optimiser has to move, in the mean."""
    every = optimizer.rule.lookahead
    return (READ_AND_WRITTEN + (LOOKAHEAD / every if every else 0)) / MEASURED


def _described(argument: Any) -> Any:
    if isinstance(argument, torch.Tensor):
        return tuple(argument.shape), argument.stride(), argument.dtype
    return tuple(argument) if isinstance(argument, list) else argument


def _made(argument: Any) -> Any:
    is_form = isinstance(argument, tuple) and len(argument) == 3 and isinstance(argument[2], torch.dtype)
    if not is_form:
        return list(argument) if isinstance(argument, tuple) else argument
    shape, strides, dtype = argument
    length = 1 + sum((count - 1) * stride for count, stride in zip(shape, strides, strict=True))
    return torch.rand(max(length, 1)).to(dtype).as_strided(shape, strides)  # entries may share a place
