import numpy as np
import pytest
import torch

from extractors import registry
from extractors.image_classifier import Expert, Params
from extractors.networks.pixels import normalise_pixels
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.run_experts import EXPERTS

SETTINGS = Params(network="torchvision/resnet18", dim=512, fps=1.0, resize_px=32, crop_px=32)


@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (2, 6, 4, 5, 3)])
def test_pixels_are_normalised_as_torchvision_does_it_and_channels_come_second(shape):
    from torchvision.transforms.functional import normalize

    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    found = normalise_pixels(torch.from_numpy(pixels), mean, std)
    frames = torch.from_numpy(pixels.reshape(-1, 4, 5, 3)).permute(0, 3, 1, 2) / 255
    expected = normalize(frames, mean, std).reshape(*shape[:-3], 3, 4, 5)
    torch.testing.assert_close(found, expected.movedim(-3, 1))


def test_each_number_of_a_pixel_is_normalised_to_the_same_bits_wherever_it_stands():
    pixels = torch.arange(256, dtype=torch.uint8)[:, None].repeat(1, 3 * 7).reshape(256, 7, 1, 3)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = (torch.arange(256.0)[:, None] / 255 - torch.tensor(mean)) / torch.tensor(std)
    for turned in (pixels, pixels.movedim(1, 2)):
        assert torch.equal(normalise_pixels(turned, mean, std).amax((2, 3)), expected)
        assert torch.equal(normalise_pixels(turned, mean, std).amin((2, 3)), expected)


def test_the_pixels_that_are_normalised_stay_as_they_are():
    pixels = torch.full((1, 2, 2, 3), 255.0)
    normalise_pixels(pixels, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert (pixels == 255).all()


@pytest.mark.parametrize("number", [0, 1, 17])
def test_a_batch_of_any_number_has_a_row_for_each(number):
    expert = Expert(SETTINGS, WeightSource(always_seeded=True))
    expert.load("cpu")
    assert expert.embed(np.zeros((number, 32, 32, 3), np.uint8)).values.shape == (number, 512)


def test_the_layout_of_pixels_changes_no_number(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    expert = Expert(SETTINGS, WeightSource(always_seeded=True))
    expert.load("cpu")
    expected, seen = expert.embed(pixels).values, []
    monkeypatch.setattr(expert, "is_channels_last", lambda device: False)
    expert.load("cpu")
    expert.network.register_forward_pre_hook(lambda _, given: seen.append(given[0].is_contiguous()))
    found = expert.embed(pixels).values
    assert seen == [True]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("device", "precision", "expected"),
    [("cpu", "fp32", True), ("cuda:0", "fp32", False), ("cuda:0", "tf32", True), ("cuda:1", "bf16", True)],
)
def test_channels_come_last_but_on_a_gpu_in_float32(device, precision, expected):
    expert = Expert(SETTINGS, WeightSource(always_seeded=True))
    expert.precision = precision
    assert expert.is_channels_last(device) == expected
    i3d = registry.expert("motion", EXPERTS, WeightOptions(seeded=True)).extractor
    assert i3d.is_channels_last(device)
