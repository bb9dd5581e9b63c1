import logging

import pytest
import torch
from torch import nn

from extractors.networks import classifiers, onnx_runtime
from extractors.networks.batch_norm import fold_batch_norms
from pipeline.weights import seeded


def pictures(number, side_px=64):
    return torch.randn(number, 3, side_px, side_px, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", ["timm/tf_efficientnet_lite0", "torchvision/resnet18"])
def test_the_outputs_are_those_of_pytorch_for_any_number_of_pictures(name):
    network = seeded.fill(classifiers.build(name, 5, {})).eval()
    fold_batch_norms(network, 3, 64, 64)
    network = network.to(memory_format=torch.channels_last)
    fast = onnx_runtime.converted(network, (3, 64, 64))
    assert fast is not network
    assert onnx_runtime.converted(fast, (3, 64, 64)) is fast
    with torch.inference_mode():
        for number in (1, 3):
            batch = pictures(number).to(memory_format=torch.channels_last)
            expected = network(batch)
            torch.testing.assert_close(fast(batch), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_a_picture_gives_the_same_bits_whichever_others_are_beside_it():
    network = seeded.fill(classifiers.build("timm/tf_efficientnet_lite0", 5, {})).eval()
    fold_batch_norms(network, 3, 64, 64)
    fast = onnx_runtime.converted(network, (3, 64, 64))
    with torch.inference_mode():
        together = fast(pictures(5))
        for first in range(5):
            for stop in range(first + 1, 6):
                assert torch.equal(fast(pictures(5)[first:stop]), together[first:stop])


def test_padding_that_depends_on_the_size_becomes_a_number():
    import onnx

    network = seeded.fill(classifiers.build("timm/tf_efficientnet_lite0", 5, {})).eval()
    model = onnx.load_from_string(onnx_runtime._exported(network, pictures(2)))
    assert not {"Shape", "Ceil", "Div"} & {node.op_type for node in model.graph.node}


def test_pictures_of_another_size_are_left_to_pytorch():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    fast = onnx_runtime.converted(network, (3, 64, 64))
    assert fast is not network
    with torch.inference_mode():
        assert torch.equal(fast(pictures(2, 32)), network(pictures(2, 32)))


class Unsteady(nn.Module):
    """Another function than the one that is traced: it depends on the values."""

    def forward(self, batch):
        return batch.flatten(1) * (1 if batch.shape[0] == 1 or torch.is_grad_enabled() else 2)


class Unknown(nn.Module):
    """A network that no exporter takes."""

    def forward(self, batch):
        raise NotImplementedError("such a layer is not known")


@pytest.mark.parametrize(("network", "why"), [(Unsteady(), "differ"), (Unknown(), "such a layer is not known")])
def test_what_cannot_be_converted_or_gives_other_outputs_stays_with_a_warning(network, why, caplog):
    with caplog.at_level(logging.WARNING):
        assert onnx_runtime.converted(network.eval(), (3, 8, 8)) is network
    assert why in caplog.text
