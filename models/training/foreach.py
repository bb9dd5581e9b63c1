"""Applies one operation to a list of tensors: on a GPU by one kernel for all of them, as torch.optim does.

PyTorch has these operations (`torch._foreach_add_` and others) as private functions only. All uses of them go through
`foreach`, which computes the same tensor by tensor where a version of PyTorch lacks one, and through `adamw`, which
then says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


def foreach(
    operation: str, tensors: Sequence[Tensor], *operands: Sequence[Tensor] | float, **scalars: float
) -> list[Tensor]:
    """`tensor.operation(*operands, **scalars)` for each tensor; a name with a trailing underscore works in place.

    `operands`: sequences as long as `tensors`, or one number for all of them.
    """
    together = getattr(torch, f"_foreach_{operation}", None)
    if together is not None:
        results = together(tensors, *operands, **scalars)
        return list(tensors if operation.endswith("_") else results)
    return _one_by_one(operation, tensors, *operands, **scalars)


def _one_by_one(
    operation: str, tensors: Sequence[Tensor], *operands: Sequence[Tensor] | float, **scalars: float
) -> list[Tensor]:
    columns = [[operand] * len(tensors) if isinstance(operand, float | int) else operand for operand in operands]
    return [getattr(tensor, operation)(*row, **scalars) for tensor, *row in zip(tensors, *columns, strict=True)]


@dataclass(frozen=True)
class AdamW:
    """What decides a step of AdamW (Loshchilov and Hutter, 2019)."""

    rate: float
    betas: tuple[float, float]
    eps: float
    weight_decay: float
    steps: int
    """How many were taken, with this one."""


def adamw(
    params: Sequence[Tensor], gradients: Sequence[Tensor], means: Sequence[Tensor], squares: Sequence[Tensor], by: AdamW
) -> bool:
    """Takes a step of AdamW by reading and writing each entry once; False where this version of PyTorch cannot, or
    where an entry lies elsewhere in memory than in its tensor."""
    step = getattr(torch, "_fused_adamw_", None)
    if step is None or not params or not all(one.is_contiguous() for one in (*params, *means, *squares)):
        return False
    beta1, beta2 = by.betas
    taken = torch.full((), float(by.steps), device=params[0].device)
    # It takes the entries in the order of memory, whatever the strides say.
    in_order = [gradient.contiguous() for gradient in gradients]
    step(
        params, in_order, means, squares, [], [taken] * len(params), lr=by.rate, beta1=beta1, beta2=beta2,
        weight_decay=by.weight_decay, eps=by.eps, amsgrad=False, maximize=False,
    )  # fmt: skip
    return True
