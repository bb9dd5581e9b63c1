import dataclasses
import re
from pathlib import Path

import pytest
import torch

from models.training import foreach as module
from models.training import optim
from models.training.foreach import adamw, foreach

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


BY = module.AdamW(0.1, (0.9, 0.999), 1e-8, 0.01, 1)


def test_pytorch_has_the_private_function_that_is_one_pass():
    assert hasattr(torch, "_fused_adamw_"), (
        "torch._fused_adamw_ is gone: the optimiser walks its memory ten times on a CPU; find its new name"
    )


def test_a_step_of_adamw_is_pytorchs_whatever_the_strides_of_the_gradients():
    ours, theirs = made(3), [torch.nn.Parameter(tensor) for tensor in made(3)]
    means, squares = ([torch.zeros_like(tensor) for tensor in ours] for _ in range(2))
    expected = torch.optim.AdamW(theirs, BY.rate, BY.betas, BY.eps, BY.weight_decay)
    for number in range(1, 4):
        gradients = [tensor.t().contiguous().t() if tensor.dim() == 2 else tensor for tensor in made(10 * number)]
        assert adamw(ours, gradients, means, squares, dataclasses.replace(BY, steps=number))
        for param, gradient in zip(theirs, gradients, strict=True):
            param.grad = gradient
        expected.step()
    torch.testing.assert_close(ours, [param.detach() for param in theirs])


def test_without_the_private_function_nothing_is_done_and_it_says_so(monkeypatch):
    monkeypatch.delattr(torch, "_fused_adamw_")
    params = made(3)
    assert not adamw(params, made(4), made(5), made(6), BY)
    torch.testing.assert_close(params, made(3), rtol=0, atol=0)


def test_parameters_in_another_order_of_memory_are_left_alone():
    turned = [tensor.t() if tensor.dim() == 2 else tensor for tensor in made(3)]
    states = [[torch.zeros_like(tensor) for tensor in turned] for _ in range(2)]
    assert not adamw(turned, [torch.ones(tensor.shape) for tensor in turned], *states, BY)
    torch.testing.assert_close(turned[0].t(), made(3)[0], rtol=0, atol=0)


def test_no_tensors_are_no_work():
    assert module._one_by_one("mul_", [], 2.0) == []
