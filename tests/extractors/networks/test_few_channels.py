import pytest
import torch
from torch import nn

from extractors.networks.few_channels import frame_by_frame, has_few_channels


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [((7, 7, 7), (2, 2, 2), (2, 2, 2)), ((3, 5, 1), (1, 2, 3), (1, 0, 0)), ((1, 3, 3), (1, 1, 1), (0, 1, 1))],
)
def test_a_convolution_over_time_is_one_over_channels(kernel, stride, padding, bias):
    torch.manual_seed(0)
    layer = nn.Conv3d(3, 5, kernel, stride, padding, bias=bias)
    assert has_few_channels(layer)
    clips = torch.randn(2, 3, 16, 20, 24)
    with torch.inference_mode():
        expected = layer(clips)
        found = frame_by_frame(layer, clips)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "told", [{"in_channels": 8}, {"groups": 2}, {"dilation": 2}, {"padding_mode": "circular"}, {"padding": "same"}]
)
def test_others_are_computed_as_they_are(told):
    assert not has_few_channels(nn.Conv3d(**{"in_channels": 2, "out_channels": 4, "kernel_size": 3} | told))
