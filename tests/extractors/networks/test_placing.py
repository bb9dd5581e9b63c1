import numpy as np
import pytest
import torch
from torch import nn

from extractors.networks import linear
from extractors.networks.clip_convolutions import ByPictures
from extractors.networks.linear import ByOneDnn
from extractors.networks.placing import array_to_device, equal_share, full_parts, network_to_device, to_device


@pytest.mark.parametrize(("kind", "memory_format"), [(2, torch.channels_last), (3, torch.channels_last_3d)])
def test_a_network_on_its_device_only_evaluates_with_channels_last(kind, memory_format):
    network = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[kind](3, 4, 3)
    network = network_to_device(torch.nn.Sequential(network, torch.nn.Dropout()), "cpu")
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert network[0].weight.is_contiguous(memory_format=memory_format)


def test_a_batch_becomes_a_tensor_whatever_its_strides():
    items = np.arange(12).reshape(3, 4)[:, ::-1]
    assert array_to_device(items, "cpu").tolist() == items.tolist()


def test_a_network_can_be_kept_as_pytorch_lays_it_out():
    network = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    assert network_to_device(network, "cpu", is_channels_last=False).weight.is_contiguous()


@pytest.mark.parametrize(
    ("number", "most", "expected"), [(32, 16, 16), (24, 16, 12), (7, 5, 1), (3, 9, 3), (0, 4, 1), (4, 0, 1)]
)
def test_items_fall_into_the_largest_equal_parts(number, most, expected):
    assert equal_share(number, most) == expected


@pytest.mark.parametrize(
    ("number", "size", "expected"), [(5, 3, [[0, 1, 2], [3, 4, 4]]), (3, 3, [[0, 1, 2]]), (1, 2, [[0, 0]])]
)
def test_items_fall_into_full_parts(number, size, expected):
    assert full_parts(number, size).tolist() == expected


@pytest.mark.parametrize("is_faster", [True, False])
def test_on_a_cpu_linear_layers_are_computed_by_onednn_where_that_is_faster(monkeypatch, is_faster):
    monkeypatch.setattr(linear, "is_faster_than_mkl", lambda: is_faster)
    for place in (to_device, network_to_device):
        assert isinstance(place(nn.Sequential(nn.Linear(512, 512)), "cpu")[0], ByOneDnn) == is_faster
    assert not isinstance(to_device(nn.Linear(512, 512), "meta"), ByOneDnn)


def test_on_a_cpu_convolutions_over_clips_are_computed_by_pictures():
    for place in (to_device, network_to_device):
        assert isinstance(place(nn.Sequential(nn.Conv3d(2, 2, 3)), "cpu")[0], ByPictures)
    assert not isinstance(to_device(nn.Conv3d(2, 2, 3), "meta"), ByPictures)


def test_a_network_that_was_on_a_cpu_can_be_moved_on():
    """As the tests on a GPU do with the networks of their references."""
    network = network_to_device(nn.Sequential(nn.Conv3d(2, 2, 3), nn.Conv3d(2, 2, 1)), "cpu")
    with torch.inference_mode():
        network(torch.ones(1, 2, 8, 8, 8))
    moved = network_to_device(network, "meta")
    assert moved(torch.ones(1, 2, 8, 8, 8, device="meta")).shape == (1, 2, 6, 6, 6)
    assert moved[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
