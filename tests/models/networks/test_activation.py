import pytest
import torch
from torch.nn import functional

from models.networks.activation import HIGHEST, Mish


def slopes(layer, x):
    x = x.clone().requires_grad_()
    y = layer(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.detach(), slope


@pytest.mark.parametrize(
    "x",
    [
        torch.linspace(-120, 120, 100_001),
        torch.tensor([0.0, -0.0, 1e-30, -1e-30, HIGHEST, HIGHEST + 1e-5, 88.8, -88.8, 3e38, -3e38]),
        torch.zeros(0, 3),
    ],
    ids=["everywhere", "borders", "none"],
)
def test_values_and_derivatives_are_those_of_double_precision(x):
    found, expected = slopes(Mish(), x), slopes(functional.mish, x.double())
    torch.testing.assert_close(found[0].double(), expected[0], rtol=5e-7, atol=1e-37)
    torch.testing.assert_close(found[1].double(), expected[1], rtol=0, atol=2e-6)


def test_what_is_not_finite_stays_so():
    x = torch.tensor([float("inf"), float("nan")])
    found, slope = slopes(Mish(), x)
    assert found[0] == float("inf")
    assert slope[0] == 1
    assert found[1].isnan()
    assert slope[1].isnan()


def test_the_gradient_is_multiplied_in():
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float32).requires_grad_()
    given = torch.arange(12.0).view(4, 3)
    (found,) = torch.autograd.grad(Mish()(x), x, given)
    torch.testing.assert_close(found, slopes(functional.mish, x.detach())[1] * given)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_types_are_left_to_pytorch(dtype):
    x = torch.linspace(-3, 3, 50, dtype=dtype)
    assert torch.equal(Mish()(x), functional.mish(x))


def test_it_changes_neither_its_input_nor_the_state_of_a_network():
    x = torch.randn(5, generator=torch.Generator().manual_seed(1))
    before = x.clone()
    slopes(Mish(), x)
    assert torch.equal(x, before)
    assert not Mish().state_dict()
