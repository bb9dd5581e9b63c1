import re
from pathlib import Path

import pytest
import torch

from models.training import foreach as module
from models.training import optim
from models.training.foreach import foreach

CALLS = {
    "lerp_": ("tensors", 0.25),
    "mul_": (0.5,),
    "addcmul_": ("tensors", "others", {"value": 0.1}),
    "add_": ("tensors", {"alpha": -2.0}),
    "addcdiv_": ("tensors", "others", {"value": -0.3}),
    "copy_": ("tensors",),
    "sqrt": (),
    "div": (3.0,),
}


def made(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(shape, generator=generator) + 0.5 for shape in ((3, 4), (5,), ())]


def arguments(operation):
    """(operands, scalars) of a call, with three tensors in place of each name."""
    given = [made(number) if isinstance(operand, str) else operand for number, operand in enumerate(CALLS[operation])]
    return [one for one in given if not isinstance(one, dict)], next(
        (one for one in given if isinstance(one, dict)), {}
    )


def test_every_operation_that_the_optimiser_uses_is_tested_here():
    assert set(re.findall(r'foreach\("(\w+)"', Path(optim.__file__).read_text(encoding="utf-8"))) == set(CALLS)


@pytest.mark.parametrize("operation", CALLS)
def test_pytorch_has_the_private_function_that_serves_all_tensors(operation):
    assert hasattr(torch, f"_foreach_{operation}"), (
        f"torch._foreach_{operation} is gone: models/training/foreach.py goes tensor by tensor, slower on a GPU; "
        "find its new name there"
    )


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("is_there", [True, False])
def test_it_is_the_operation_of_each_tensor(operation, is_there, monkeypatch):
    if not is_there:
        monkeypatch.delattr(torch, f"_foreach_{operation}")
    operands, scalars = arguments(operation)
    expected = []
    for index, tensor in enumerate(made(9)):
        own = [operand[index] if isinstance(operand, list) else operand for operand in operands]
        expected.append(getattr(tensor, operation)(*own, **scalars))
    tensors = made(9)
    found = foreach(operation, tensors, *operands, **scalars)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert all(one is other for one, other in zip(found, tensors, strict=True)) == operation.endswith("_")


def test_no_tensors_are_no_work():
    assert module._one_by_one("mul_", [], 2.0) == []
