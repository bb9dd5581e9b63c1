import copy

import pytest
import torch
from torch import nn

from extractors.networks import linear
from extractors.networks.linear import OneDnnLinear, with_fast_linear
from extractors.networks.onnx_runtime import converted

SHAPES = [(3, 7), (2, 5, 7), (1, 7), (2, 3, 4, 7), (7,), (0, 7)]


@pytest.fixture
def on_amd(monkeypatch):
    """A processor on which oneDNN is faster, whichever this one is: what it gives is asked for everywhere."""
    monkeypatch.setattr(linear, "is_faster_than_mkl", lambda: True)


def random(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_sums_are_those_of_double_precision(on_amd, shape, bias):
    layer = nn.Linear(7, 5, bias=bias)
    expected = copy.deepcopy(layer).double()(random(*shape).double()).float()
    assert type(with_fast_linear(layer)) is OneDnnLinear
    with torch.inference_mode():
        torch.testing.assert_close(layer(random(*shape)), expected, rtol=1e-6, atol=1e-6)


def test_an_input_that_is_transposed_or_a_part_of_another_is_read_as_it_is(on_amd):
    layer = with_fast_linear(nn.Linear(7, 5))
    for given in (random(7, 6).t(), random(6, 9)[:, 1:8], random(4, 6, 7)[:, ::2], random(7, 6, 2).permute(2, 1, 0)):
        with torch.inference_mode():
            expected = nn.functional.linear(given.contiguous(), layer.weight, layer.bias)
            torch.testing.assert_close(layer(given), expected, rtol=1e-6, atol=1e-6)


def test_with_gradients_in_16_bits_and_in_double_precision_it_is_the_layer_of_pytorch(on_amd):
    layer = with_fast_linear(nn.Linear(7, 5))
    given = random(3, 7).requires_grad_()
    layer(given).sum().backward()
    torch.testing.assert_close(given.grad, layer.weight.sum(0).expand(3, 7))
    torch.testing.assert_close(layer.weight.grad, given.detach().sum(0).expand(5, 7))
    with torch.inference_mode():
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(given).dtype == torch.bfloat16
        assert layer.double()(given.double()).dtype == torch.float64


def test_who_compiles_or_converts_the_network_sees_the_layer_of_pytorch(on_amd):
    layer, given = with_fast_linear(nn.Linear(7, 5)).eval().requires_grad_(False), random(3, 7)
    assert "mkldnn" not in str(torch.export.export(layer, (given,)).graph)
    in_onnx = converted(layer, (7,))
    assert in_onnx is not layer
    torch.testing.assert_close(in_onnx(given), layer(given), rtol=1e-5, atol=1e-5)


def test_layers_of_other_kinds_stay_as_they_are_and_names_and_tensors_too(on_amd):
    """That of `nn.MultiheadAttention` is a kind of its own, whose tensors are read without it."""
    network = nn.Sequential(nn.Linear(8, 8), nn.MultiheadAttention(8, 2), nn.Sequential(nn.Linear(8, 8)))
    before = dict(network.state_dict())
    with_fast_linear(network)
    kinds = [type(module) for module in network.modules() if isinstance(module, nn.Linear)]
    assert [kind is OneDnnLinear for kind in kinds] == [True, False, True]
    assert before.keys() == network.state_dict().keys()
    assert all(
        tensor is before[name] or torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items()
    )


def test_where_it_is_not_faster_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(linear, "is_faster_than_mkl", lambda: False)
    assert type(with_fast_linear(nn.Linear(2, 2))) is nn.Linear
