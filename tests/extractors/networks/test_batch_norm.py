import pytest
import torch
from torch import nn

from extractors.networks import classifiers, easyocr_reader
from extractors.networks.batch_norm import fold_batch_norms
from extractors.networks.video_networks import I3D
from pipeline.weights import seeded


def norms(network):
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def with_statistics(network):
    """The network with statistics of its norms that matter."""
    generator = torch.Generator().manual_seed(3)
    for norm in norms(network):
        norm.running_mean.copy_(torch.randn(norm.running_mean.shape, generator=generator) / 10)
        norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=generator) + 0.5)
        norm.weight.data.copy_(torch.rand(norm.weight.shape, generator=generator) + 0.5)
    return network.eval()


@pytest.mark.parametrize(
    "name",
    ["timm/tf_efficientnet_lite0", "torchvision/resnet18", "timm/resnet10t", "torchvision/mobilenet_v3_small"],
)
def test_all_norms_are_folded_and_the_outputs_stay(name):
    network = with_statistics(seeded.fill(classifiers.build(name, 5, {})))
    pixels, count = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1)), len(norms(network))
    with torch.inference_mode():
        before = network(pixels)
        assert fold_batch_norms(network, 3, 64, 64) == count
        assert norms(network) == []
        torch.testing.assert_close(network(pixels), before, rtol=1e-4, atol=1e-4 * float(before.abs().max()))


def test_all_norms_of_craft_are_folded_though_it_gives_more_than_its_maps():
    network = with_statistics(seeded.fill(easyocr_reader.build_detector()))
    pixels, count = torch.randn(2, 3, 96, 64, generator=torch.Generator().manual_seed(1)), len(norms(network))
    with torch.inference_mode():
        before, _ = network(pixels)
        assert fold_batch_norms(network, 3, 64, 64, result=lambda output: output[0]) == count > 10
        after, _ = network(pixels)
    assert norms(network) == []
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4 * float(before.abs().max()))


def test_norms_before_a_convolution_stay():
    network = with_statistics(seeded.fill(classifiers.build("torchvision/densenet121", 5, {})))
    pixels, count = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)), len(norms(network))
    with torch.inference_mode():
        before = network(pixels)
        folded = fold_batch_norms(network, 3, 64, 64)
        assert 0 < folded < count
        assert len(norms(network)) == count - folded
        torch.testing.assert_close(network(pixels), before, rtol=1e-4, atol=1e-4 * float(before.abs().max()))


def test_the_norms_of_i3d_are_folded_too():
    network = seeded.fill(I3D(2)).eval()
    clips = torch.randn(2, 2, 16, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        before = network(clips)
        assert fold_batch_norms(network, 2, 16, 32, 32) == 57
        assert not any(isinstance(module, nn.BatchNorm3d) for module in network.modules())
        torch.testing.assert_close(network(clips), before, rtol=1e-4, atol=1e-4 * float(before.abs().max()))


class WithShortcut(nn.Module):
    """What the convolution gives is read by the norm, and by the sum after it."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, pixels):
        given = self.convolution(pixels)
        return given + self.norm(given)


def test_a_convolution_that_others_read_too_is_put_back():
    network = with_statistics(WithShortcut())
    modules = list(network.modules())
    with torch.inference_mode():
        before = network(torch.ones(1, 3, 16, 16))
        assert fold_batch_norms(network, 3, 16, 16) == 0
        assert list(network.modules()) == modules
        assert torch.equal(network(torch.ones(1, 3, 16, 16)), before)
