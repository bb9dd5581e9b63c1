import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from extractors.networks import classifiers
from extractors.networks.fixed_padding import fixed_padding
from pipeline.weights import seeded


def pictures(*size):
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(4))


def same(network):
    return [module for module in network.modules() if isinstance(module, Conv2dSame)]


@pytest.mark.parametrize("size", [(64, 64), (65, 90)])
def test_the_outputs_are_the_same_bits_and_afterwards_all_is_as_before(size):
    network = seeded.fill(classifiers.build("timm/tf_efficientnet_lite0", 5, {})).eval()
    before = same(network)
    assert before
    with torch.inference_mode():
        expected = network(pictures(*size))
        with fixed_padding(network, pictures(*size)):
            assert same(network) == []
            assert torch.equal(network(pictures(*size)), expected)
            assert not any(module.training for module in network.modules())
        assert same(network) == before
        assert torch.equal(network(pictures(*size)), expected)


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), (5, 2, 1), (3, 3, 2), ((2, 5), (2, 3), (1, 1))])
def test_there_are_as_many_outputs_as_tensorflow_gives(kernel, stride, dilation):
    network = nn.Sequential(Conv2dSame(3, 2, kernel, stride, dilation=dilation)).eval()
    strides = stride if isinstance(stride, tuple) else (stride, stride)
    for size in ((16, 17), (18, 21)):
        with fixed_padding(network, pictures(*size)):
            assert isinstance(network[0], nn.Sequential)
            shape = network(pictures(*size)).shape[-2:]
        assert tuple(shape) == tuple(-(-length // step) for length, step in zip(size, strides, strict=True))


class Twice(nn.Module):
    """One convolution for two sizes."""

    def __init__(self):
        super().__init__()
        self.layer = Conv2dSame(3, 3, 3, 2)

    def forward(self, batch):
        return self.layer(self.layer(batch))


@pytest.mark.parametrize("network", [Twice(), nn.Conv2d(3, 2, 3)])
def test_what_meets_two_sizes_or_pads_by_a_number_stays(network):
    before = list(network.modules())
    with fixed_padding(network, pictures(16, 16)):
        assert list(network.modules()) == before


def test_an_error_within_leaves_the_network_as_it_was():
    network = nn.Sequential(Conv2dSame(3, 2, 3, 2))
    before = network[0]
    with pytest.raises(ValueError, match="within"), fixed_padding(network, pictures(16, 16)):
        raise ValueError("within")
    assert network[0] is before
