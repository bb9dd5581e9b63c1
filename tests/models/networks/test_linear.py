import numpy as np
import pytest
import torch
from torch.nn import functional

from models.networks import linear as module
from models.networks.linear import LARGE, Linear, linear

DIM = 512
assert DIM * DIM == LARGE


def whole(weight):
    return weight


def part(weight):
    """As the first layer on a pair of experts is cut into what it makes of each."""
    return torch.cat([weight, weight], 1)[:, :DIM]


@pytest.mark.parametrize("cut", [whole, part])
@pytest.mark.parametrize("shape", [(1, DIM), (7, DIM), (3, 4, DIM)])
@pytest.mark.parametrize("has_bias", [True, False])
def test_values_and_gradients_are_those_in_float64(cut, shape, has_bias):
    torch.manual_seed(0)
    leaves = [torch.randn(shape), torch.randn(DIM, DIM), torch.randn(DIM)][: 3 if has_bias else 2]
    given = torch.randn(*shape[:-1], DIM)
    found = _values(linear, cut, leaves, given)
    expected = _values(functional.linear, cut, [leaf.double() for leaf in leaves], given.double())
    for ours, exact in zip(found, expected, strict=True):
        assert ours.shape == exact.shape
        np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-6 * float(exact.abs().max()))


def test_an_input_that_is_a_part_of_a_longer_one_is_multiplied_rightly():
    torch.manual_seed(0)
    leaves = [torch.randn(5, 2 * DIM)[:, :DIM], torch.randn(DIM, DIM)]
    found = _values(linear, whole, leaves, torch.ones(5, DIM))
    expected = _values(functional.linear, whole, leaves, torch.ones(5, DIM))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_only_large_layers_in_float32_on_a_cpu_make_the_detour(monkeypatch):
    used = []
    product = module.product
    monkeypatch.setattr(module, "product", lambda *given: used.append(1) or product(*given))
    x, large = torch.ones(2, DIM), torch.ones(DIM, DIM)
    linear(x, large[:-1])
    linear(x.double(), large.double())
    linear(x[:0], large)
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(x, large).dtype == torch.bfloat16
    assert not used
    linear(x, large)
    assert bool(used) == torch.backends.mkldnn.is_available()


def test_without_the_operator_pytorch_multiplies(monkeypatch):
    monkeypatch.setattr(module, "operator", lambda: None)
    x, weight, bias = torch.randn(3, DIM), torch.randn(DIM, DIM), torch.randn(DIM)
    torch.testing.assert_close(linear(x, weight, bias), functional.linear(x, weight, bias), rtol=0, atol=0)


def test_a_layer_starts_as_pytorchs_does():
    layers = []
    for kind in (Linear, torch.nn.Linear):
        torch.manual_seed(3)
        layers.append(kind(6, 4))
    torch.testing.assert_close(layers[0].state_dict(), layers[1].state_dict(), rtol=0, atol=0)
    x = torch.randn(2, 6)
    torch.testing.assert_close(layers[0](x), layers[1](x), rtol=0, atol=0)


def _values(way, cut, leaves, given):
    """The product, and the gradients of x, weight and, where there is one, bias."""
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    product = way(leaves[0], cut(leaves[1]), *leaves[2:])
    product.backward(given)
    return [product.detach(), *(leaf.grad for leaf in leaves)]
