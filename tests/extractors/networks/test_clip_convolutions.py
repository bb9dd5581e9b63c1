import copy

import pytest
import torch
from torch import nn
from torchvision.models import video

from extractors.networks import clip_convolutions
from extractors.networks.clip_convolutions import ByPictures, InSpace, InTime, SharedProducts, with_fast_convolutions
from extractors.networks.video_networks import I3D
from pipeline.weights import seeded

KINDS = [
    (InSpace, {"kernel_size": 1}),
    (InSpace, {"kernel_size": (1, 3, 3), "stride": (1, 2, 2), "padding": (0, 1, 1)}),
    (InSpace, {"kernel_size": (1, 3, 5), "dilation": (1, 2, 1), "bias": False}),
    (InTime, {"kernel_size": (3, 1, 1), "padding": (1, 0, 0)}),
    (InTime, {"kernel_size": (7, 1, 1), "stride": (2, 1, 1), "padding": (3, 0, 0), "bias": False}),
    (InTime, {"kernel_size": (3, 1, 1), "padding": (4, 0, 0), "dilation": (4, 1, 1)}),
    (SharedProducts, {"kernel_size": 3, "padding": 1}),
    (SharedProducts, {"kernel_size": 3, "padding": (2, 1, 0), "bias": False}),
    (SharedProducts, {"kernel_size": (3, 7, 7), "stride": (1, 2, 2), "padding": (1, 3, 3)}),
    (SharedProducts, {"kernel_size": (3, 3, 3), "dilation": (1, 2, 2)}),
    (SharedProducts, {"kernel_size": 7, "stride": 2, "padding": 2, "bias": False}),
    (SharedProducts, {"kernel_size": (5, 3, 3), "stride": (2, 1, 1)}),
    (SharedProducts, {"kernel_size": (4, 3, 3), "padding": (3, 1, 1)}),
]


def convolution(**settings):
    torch.manual_seed(0)
    return nn.Conv3d(5, 6, **settings).requires_grad_(False)


def random_clips(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def replaced(module):
    return with_fast_convolutions(nn.Sequential(copy.deepcopy(module)))[0]


def relative(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("frames", [7, 8, 13])
@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_the_sums_are_those_of_pytorch_in_double_precision(kind, settings, frames):
    module = convolution(**settings)
    clips = random_clips(2, 5, frames, 12, 9)
    faster = replaced(module)
    assert type(faster) is kind
    with torch.inference_mode():
        expected = copy.deepcopy(module).double()(clips.double())
        for memory_format in (torch.contiguous_format, torch.channels_last_3d):
            found = faster(clips.contiguous(memory_format=memory_format))
            assert found.shape == expected.shape
            assert relative(found, expected) < 1e-5


@pytest.mark.parametrize("block", [1, 5000, 1 << 30])
def test_however_many_tiles_are_computed_together_the_sums_are_the_same(monkeypatch, block):
    faster, clips = replaced(convolution(kernel_size=3, padding=1)), random_clips(3, 5, 10, 8, 8)
    with torch.inference_mode():
        expected = faster(clips)
        monkeypatch.setattr(clip_convolutions, "BLOCK", block)
        assert relative(faster(clips), expected) < 1e-6


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 3, "padding_mode": "circular", "padding": 1},
        {"kernel_size": 3, "padding": "same"},
        {"kernel_size": 3, "dilation": 2},
        {"kernel_size": 3, "padding": 3},
        {"kernel_size": 3, "padding": (9, 1, 1)},
        {"kernel_size": (2, 3, 3)},
        {"kernel_size": (9, 3, 3)},
        {"kernel_size": (2, 16, 16), "stride": (2, 16, 16)},
    ],
)
def test_other_convolutions_stay_as_they_are(settings):
    assert type(replaced(convolution(**settings))) is nn.Conv3d


def test_groups_of_channels_stay_as_they_are():
    assert type(replaced(nn.Conv3d(6, 6, 1, groups=3))) is nn.Conv3d


@pytest.fixture
def by_pictures(monkeypatch):
    """The convolutions that were computed by pictures."""
    asked = []
    for kind in (InSpace, InTime, SharedProducts):

        def watched(self, films, original=kind.by_pictures):
            asked.append(self)
            return original(self, films)

        monkeypatch.setattr(kind, "by_pictures", watched)
    return asked


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_with_gradients_and_in_other_numbers_it_is_the_layer_of_pytorch(by_pictures, kind, settings):
    module = convolution(**settings)
    faster, clips = replaced(module), random_clips(1, 5, 9, 12, 12)
    assert torch.equal(faster(clips.requires_grad_()), module(clips))
    clips = clips.detach()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(faster(clips), module(clips))
    assert torch.equal(faster.double()(clips.double()), module.double()(clips.double()))
    assert not by_pictures
    faster.float()(clips)
    assert by_pictures == [faster]


def test_who_compiles_the_network_sees_the_layer_of_pytorch(by_pictures):
    network, clips = nn.Sequential(replaced(convolution(kernel_size=3))), random_clips(1, 5, 9, 9, 9)
    torch.export.export(network, (clips,))
    torch.compile(network, backend="eager")(clips)
    assert not by_pictures


def test_other_weights_that_are_loaded_later_count():
    faster, clips = replaced(convolution(kernel_size=3)), random_clips(1, 5, 9, 9, 9)
    before = faster(clips)
    other = nn.Conv3d(5, 6, 3).requires_grad_(False)
    faster.load_state_dict(other.state_dict())
    assert relative(faster(clips), other(clips)) < 1e-5
    assert relative(before, other(clips)) > 0.1
    rounded = copy.deepcopy(other).half().float()
    assert relative(faster.half().float()(clips), rounded(clips)) < 1e-5
    assert relative(copy.deepcopy(faster)(clips), rounded(clips)) < 1e-5


@pytest.mark.parametrize(("padding", "stride"), [(0, 1), (1, 1), (0, 2), (1, 2)])
def test_fewer_frames_than_the_kernel_sees_are_refused_as_by_pytorch(padding, stride):
    size = 3 if stride == 1 else 5
    module = convolution(kernel_size=size, padding=(padding, 2, 2), stride=stride)
    clips = random_clips(1, 5, size - 2 * padding - 1, 9, 9)
    for one in (module, replaced(module)):
        with pytest.raises(RuntimeError, match=r"[Kk]ernel size"):
            one(clips)


def test_a_clip_without_a_batch_gives_what_it_gives_in_pytorch():
    module = convolution(kernel_size=3)
    assert torch.equal(replaced(module)(random_clips(5, 9, 8, 8)), module(random_clips(5, 9, 8, 8)))


def test_names_and_tensors_stay():
    network = nn.Sequential(convolution(kernel_size=3), nn.BatchNorm3d(6), convolution(kernel_size=1))
    before = dict(network.named_parameters())
    after = dict(with_fast_convolutions(network).named_parameters())
    assert before.keys() == after.keys()
    assert all(tensor is before[name] for name, tensor in after.items())


@pytest.mark.parametrize(
    ("make", "side_px"),
    [(lambda: I3D(3), 64), (lambda: I3D(2), 64), (video.s3d, 224), (video.r2plus1d_18, 64), (video.r3d_18, 64)],
)
def test_whole_networks_give_what_they_give_with_the_layers_of_pytorch(make, side_px):
    network = seeded.fill(make()).eval().requires_grad_(False)
    first = next(module for module in network.modules() if isinstance(module, nn.Conv3d))
    clips = random_clips(2, first.in_channels, 16, side_px, side_px)
    with torch.inference_mode():
        expected = network(clips)
        faster = with_fast_convolutions(network)
        assert any(isinstance(module, ByPictures) for module in faster.modules())
        assert relative(faster(clips), expected) < 1e-5


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_of_no_clips_there_are_none(kind, settings):
    faster, clips = replaced(convolution(**settings)), random_clips(1, 5, 9, 12, 12)
    assert faster(clips[:0]).shape == (0, *faster(clips).shape[1:])


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_a_clip_gives_the_same_alone_and_beside_others(kind, settings):
    faster, clips = replaced(convolution(**settings)), random_clips(3, 5, 9, 12, 12)
    with torch.inference_mode():
        torch.testing.assert_close(faster(clips)[1:2], faster(clips[1:2]), rtol=1e-5, atol=1e-5)
