import numpy as np
import pytest
import torch

from extractors import image_classifier
from extractors.image_classifier import Expert, Params
from extractors.networks import classifiers
from extractors.networks.base import normalise_pixels
from pipeline.errors import ConfigError, WeightsError
from pipeline.weights.files import WeightFile, WeightOptions, WeightSource
from tests.extractors.reference import REFERENCE, distance, items, seeded, with_reference

SMALL = {"network": "torchvision/resnet18.IMAGENET1K_V1", "dim": 512, "resize_px": 64, "crop_px": 64}
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)


@with_reference
def test_resnet50_gives_the_features_of_the_reference(media):
    expert = seeded(image_classifier, network="torchvision/resnet50.IMAGENET1K_V1", dim=2048, fps=981 / 50)
    frames = items(expert, media / "videos" / "v_GGSY1Qvo990.mp4", num_frames=6)
    pixels = normalise_pixels(torch.from_numpy(frames[:1]), expert.params.mean, expert.params.std)[0]
    np.testing.assert_array_equal(pixels, np.load(REFERENCE / "v_GGSY_frame0_resnet_input.npy"))
    assert distance(expert.embed(frames).values, "resnet50_native__v_GGSY1Qvo990_first64.npy") < 1e-5


@pytest.mark.parametrize(
    ("name", "dim"),
    [("torchvision/mobilenet_v3_small", 1024), ("timm/resnet10t", 512)],
)
def test_any_classifier_loses_its_last_layer(name, dim):
    network = classifiers.remove_last_layer(classifiers.build(name, 7, {})).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, dim)


def test_a_file_is_read_and_gives_what_the_network_gives(tmp_path):
    network = classifiers.build(SMALL["network"], 1000, {}).eval()
    state = {"state_dict": {f"module.{name}": tensor for name, tensor in network.state_dict().items()}}
    torch.save(state, tmp_path / "mine.pth.tar")
    source = WeightSource(WeightOptions(tmp_path), {"network": WeightFile("http://a/mine.pth.tar", "12345678")})
    expert = Expert(Params(**SMALL), source)
    assert expert.weights == {"network": "12345678"}
    expert.load("cpu")
    with torch.inference_mode():
        pixels = normalise_pixels(torch.from_numpy(PICTURES), expert.params.mean, expert.params.std)
        expected = classifiers.remove_last_layer(network)(pixels).numpy()
    np.testing.assert_allclose(expert.embed(PICTURES).values, expected, rtol=1e-4, atol=1e-4)


def test_a_file_of_another_network_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "mine.pth")
    source = WeightSource(WeightOptions(tmp_path), {"network": WeightFile("http://a/mine.pth")})
    with pytest.raises(WeightsError, match="not the weights of this network"):
        Expert(Params(**SMALL), source).load("cpu")


def test_the_file_of_a_network_that_a_library_knows_is_known():
    (file,) = Expert(Params(**SMALL)).weight_files().values()
    assert file.cached_as == "resnet18-f37072fd.pth"
    assert Expert(Params(**SMALL)).weights == {"network": SMALL["network"]}


def test_stand_ins_need_no_file_and_say_so():
    expert = seeded(image_classifier, **SMALL)
    assert expert.weights == {"network": "seeded"}
    assert expert.weight_files() == {}
    together = expert.embed(PICTURES).values
    alone = np.concatenate([expert.embed(picture[None]).values for picture in PICTURES])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


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
    "wrong", [{"network": "keras/resnet"}, {"fps": 0.0}, {"dim": 0}, {"crop_px": 300, "resize_px": 256}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Params(**({"network": "torchvision/resnet18.x", "dim": 512} | wrong))
