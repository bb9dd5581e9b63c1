import pytest
import torch
from facenet_pytorch import MTCNN
from torch import nn

from extractors.networks.mtcnn_layers import pairs_maximum, plain


@pytest.mark.parametrize(
    ("name", "shape"),
    [("pnet", (1, 3, 61, 44)), ("pnet", (2, 3, 12, 12)), ("rnet", (5, 3, 24, 24)), ("onet", (3, 3, 48, 48))],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_network_says_what_its_module_says_to_the_bit(name, shape, layout):
    network = getattr(MTCNN(keep_all=True), name)
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(memory_format=layout)
    with torch.inference_mode():
        for found, expected in zip(plain(network)(values), network(values), strict=True):
            torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(6, 8), (5, 8), (6, 7), (1, 1)])
def test_the_maximum_of_pairs_is_that_of_pytorch(size):
    values = torch.randn((2, 3, *size), generator=torch.Generator().manual_seed(0))
    assert torch.equal(pairs_maximum(values), nn.MaxPool2d(2, 2, ceil_mode=True)(values))
