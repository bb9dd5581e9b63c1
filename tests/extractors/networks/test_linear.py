import copy
import subprocess
import sys

import pytest
import torch
import whisper
from torch import nn

from extractors.networks import linear
from extractors.networks.linear import LARGE, ByOneDnn, with_fast_linear
from extractors.networks.onnx_runtime import converted

WIDE, NARROW = 512, 128
assert WIDE * NARROW == LARGE
SHAPES = [(3, WIDE), (2, 5, WIDE), (1, WIDE), (2, 3, 4, WIDE), (WIDE,), (0, WIDE), (197, WIDE), (3, 41, WIDE)]

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")


@pytest.fixture
def on_amd(monkeypatch):
    """A processor on which oneDNN is faster, whichever this one is: what it gives is asked for everywhere."""
    monkeypatch.setattr(linear, "is_faster_than_mkl", lambda: True)


@pytest.fixture
def layer(on_amd):
    torch.manual_seed(0)
    return with_fast_linear(nn.Linear(WIDE, NARROW))


@pytest.fixture
def multiplied(monkeypatch):
    """The numbers of rows that oneDNN was given."""
    rows = []

    def watched(x, weight, bias):
        rows.append(len(x))
        return product(x, weight, bias)

    product = linear.product
    monkeypatch.setattr(linear, "product", watched)
    return rows


def random(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_sums_are_those_of_double_precision(on_amd, multiplied, shape, bias):
    layer = nn.Linear(WIDE, NARROW, bias=bias)
    expected = copy.deepcopy(layer).double()(random(*shape).double()).float()
    with torch.inference_mode():
        found = with_fast_linear(layer)(random(*shape))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert bool(multiplied) == bool(found.numel())


def test_an_input_that_is_transposed_or_a_part_of_another_is_read_as_it_is(layer):
    parts = (
        random(WIDE, 6).t(),
        random(6, WIDE + 2)[:, 1:-1],
        random(4, 6, WIDE)[:, ::2],
        random(WIDE, 6, 2).permute(2, 1, 0),
    )
    for given in parts:
        with torch.inference_mode():
            expected = nn.functional.linear(given.contiguous(), layer.weight, layer.bias)
            torch.testing.assert_close(layer(given), expected, rtol=1e-5, atol=1e-5)


def test_rows_are_filled_up_to_few_numbers_so_that_few_codes_are_kept(layer, multiplied):
    lengths = range(1, 1500)
    with torch.inference_mode():
        for length in lengths:
            layer(random(1, WIDE).expand(length, WIDE))
    assert len(set(multiplied)) < 70
    assert all(length <= size <= 1.125 * length for length, size in zip(lengths, multiplied, strict=True))


MEMORY = """
import ctypes, random, torch
from torch import nn
from extractors.networks import linear
linear.is_faster_than_mkl = lambda: {fast}
layer, trim = linear.with_fast_linear(nn.Linear(384, 1536)), ctypes.CDLL(None).malloc_trim
def resident_mb():
    trim(0)
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
with torch.inference_mode():
    layer(torch.randn(7, 384))
    before = resident_mb()
    for length in random.Random(0).sample(range(1, 600), 300):
        layer(torch.randn(length, 384))
print(resident_mb() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory as Linux tells it")
def test_texts_of_any_length_take_little_memory():
    """Multiplied as they are, 300 numbers of rows took 190 MB more."""
    more_mb = [
        float(subprocess.run([sys.executable, "-c", MEMORY.format(fast=fast)], capture_output=True, check=True).stdout)
        for fast in (False, True)
    ]
    assert more_mb[1] < more_mb[0] + 100


def test_with_gradients_it_is_the_layer_of_pytorch(layer, multiplied):
    given = random(3, WIDE).requires_grad_()
    layer(given).sum().backward()
    torch.testing.assert_close(given.grad, layer.weight.sum(0).expand(3, WIDE))
    torch.testing.assert_close(layer.weight.grad, given.detach().sum(0).expand(NARROW, WIDE))
    assert not multiplied


def test_in_16_bits_and_in_double_precision_it_is_the_layer_of_pytorch(layer, multiplied):
    with torch.inference_mode():
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(random(3, WIDE)).dtype == torch.bfloat16
        assert layer.double()(random(3, WIDE).double()).dtype == torch.float64
    assert not multiplied


def test_a_layer_of_another_kind_stays_one_of_it_and_computes_other_numbers_as_it_did(on_amd):
    """Whisper's casts its weights to the numbers that it is given."""
    kind = whisper.model.Linear
    layer = with_fast_linear(kind(WIDE, NARROW), [kind])
    assert isinstance(layer, kind)
    assert isinstance(layer, ByOneDnn)
    with torch.inference_mode():
        assert layer(random(3, WIDE).bfloat16()).dtype == torch.bfloat16
        expected = nn.functional.linear(random(3, WIDE), layer.weight, layer.bias)
        torch.testing.assert_close(layer(random(3, WIDE)), expected, rtol=1e-5, atol=1e-5)


def test_who_compiles_or_converts_the_network_sees_the_layer_of_pytorch(layer):
    layer, given = layer.eval().requires_grad_(False), random(3, WIDE)
    assert "mkldnn" not in str(torch.export.export(layer, (given,)).graph)
    in_onnx = converted(layer, (WIDE,))
    assert in_onnx is not layer
    torch.testing.assert_close(in_onnx(given), layer(given), rtol=1e-5, atol=1e-5)


def test_small_layers_and_those_of_other_kinds_stay_as_they_are_and_names_and_tensors_too(on_amd):
    """That of `nn.MultiheadAttention` is a kind of its own, whose tensors are read without it."""
    network = nn.Sequential(nn.Linear(WIDE, NARROW), nn.MultiheadAttention(WIDE, 2), nn.Linear(WIDE, NARROW - 1))
    before = dict(network.named_parameters())
    with_fast_linear(network)
    kinds = [isinstance(module, ByOneDnn) for module in network.modules() if isinstance(module, nn.Linear)]
    assert kinds == [True, False, False]
    after = dict(network.named_parameters())
    assert before.keys() == after.keys()
    assert all(tensor is before[name] for name, tensor in after.items())


def test_where_it_is_not_faster_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(linear, "is_faster_than_mkl", lambda: False)
    assert type(with_fast_linear(nn.Linear(WIDE, NARROW))) is nn.Linear
