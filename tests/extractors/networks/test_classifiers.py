import pytest
import torch

from extractors.networks import classifiers
from pipeline.errors import ConfigError, WeightsError


@pytest.mark.parametrize(
    ("name", "dim"),
    [("torchvision/mobilenet_v3_small", 1024), ("timm/resnet10t", 512)],
)
def test_any_classifier_loses_its_last_layer(name, dim):
    network = classifiers.remove_last_layer(classifiers.build(name, 7, {})).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, dim)


def test_old_densenet_names_become_todays():
    old = {"module.features.denseblock1.denselayer2.norm.1.weight": 0, "features.conv0.weight": 1}
    assert classifiers.current_names(old) == {
        "features.denseblock1.denselayer2.norm1.weight": 0,
        "features.conv0.weight": 1,
    }


def test_a_network_that_nobody_has_is_one_clear_line():
    for name in ("torchvision/resnet51", "timm/nothing"):
        with pytest.raises(ConfigError, match="cannot build it"):
            classifiers.build(name, 10, {})


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("torchvision/resnet50.IMAGENET1K_V1", ("torchvision", "resnet50", "IMAGENET1K_V1")),
        ("timm/legacy_senet154.in1k", ("timm", "legacy_senet154", "in1k")),
        ("timm/resnet10t", ("timm", "resnet10t", "")),
    ],
)
def test_a_name_is_library_network_and_weights(name, parts):
    assert classifiers.split_name(name) == parts


def test_a_file_is_that_of_the_library():
    assert (
        classifiers.weight_file("torchvision/resnet18.IMAGENET1K_V1").cached_as.rpartition("/")[2]
        == "resnet18-f37072fd.pth"
    )
    assert classifiers.weight_file("timm/resnet10t.c3_in1k").cached_as == "timm/resnet10t.c3_in1k/model.safetensors"
    with pytest.raises(WeightsError, match="knows no weights 'none'"):
        classifiers.weight_file("torchvision/resnet18.none")


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_torchvisions_slow_initialisation_is_skipped_without_a_warning(name):
    assert classifiers.build(f"torchvision/{name}", 5, {}).fc.out_features == 5


@pytest.mark.parametrize(
    ("name", "items"), [("torchvision/mobilenet_v3_small", (2, 3, 64, 64)), ("torchvision/s3d", (1, 3, 16, 224, 224))]
)
def test_the_last_layer_of_the_features_gives_what_the_whole_network_gives(name, items):
    network, pixels = classifiers.build(name, 7, {}).eval(), torch.rand(items, generator=torch.manual_seed(0))
    last = classifiers.last_layer(network)
    with torch.inference_mode():
        expected = network(pixels)
        found = last(classifiers.remove_last_layer(network)(pixels))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
