"""Applies one operation to a list of tensors: on a GPU by one kernel for all of them, as torch.optim does.

PyTorch has these operations (`torch._foreach_add_` and others) as private functions only. All uses of them go through
`foreach`, which computes the same tensor by tensor where a version of PyTorch lacks one.
"""

from collections.abc import Sequence

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
