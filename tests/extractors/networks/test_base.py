import hashlib

import numpy as np
import pytest
import torch

from extractors import image_classifier, language_model, video_classifier
from extractors.image_classifier import Expert, Params
from extractors.networks import classifiers
from extractors.networks.base import without_module_prefix
from extractors.networks.pixels import normalise_pixels
from pipeline.errors import WeightsError
from pipeline.untrusted.download import checksum
from pipeline.weights.files import WeightFile, WeightOptions, WeightSource
from tests.extractors.reference import seeded

SMALL = {"network": "torchvision/resnet18.IMAGENET1K_V1", "dim": 512, "resize_px": 64, "crop_px": 64}
SEEDED = WeightSource(always_seeded=True)
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)


def test_a_file_is_read_and_gives_what_the_network_gives(tmp_path):
    network = classifiers.build(SMALL["network"], 1000, {}).eval()
    state = {"state_dict": {f"module.{name}": tensor for name, tensor in network.state_dict().items()}}
    torch.save(state, tmp_path / "mine.pth.tar")
    sha256 = checksum(tmp_path / "mine.pth.tar")
    file = WeightFile("http://a/mine.pth.tar", sha256[:8], place="mine.pth.tar")
    expert = Expert(Params(**SMALL), WeightSource(WeightOptions(tmp_path), {"network": file}))
    assert expert.weights == {"network": sha256[:8]}
    expert.load("cpu")
    with torch.inference_mode():
        pixels = normalise_pixels(torch.from_numpy(PICTURES), expert.params.mean, expert.params.std)
        expected = classifiers.remove_last_layer(network)(pixels).numpy()
    np.testing.assert_allclose(expert.embed(PICTURES).values, expected, rtol=1e-4, atol=1e-4)


def test_a_file_of_another_network_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "mine.pth")
    source = WeightSource(WeightOptions(tmp_path), {"network": WeightFile("http://a/mine.pth", place="mine.pth")})
    with pytest.raises(WeightsError, match="not the weights of this network"):
        Expert(Params(**SMALL), source).load("cpu")


def test_a_file_under_other_names_is_read_by_order_where_the_yaml_says_so(tmp_path):
    network = classifiers.build(SMALL["network"], 1000, {}).eval()
    tensors = {f"layer_{n}.{key.rpartition('.')[2]}": t for n, (key, t) in enumerate(network.state_dict().items())}
    torch.save(tensors, tmp_path / "mine.pth")
    file = WeightFile("http://a/mine.pth", place="mine.pth", state_dict="by_order")
    expert = Expert(Params(**SMALL), WeightSource(WeightOptions(tmp_path), {"network": file}))
    expert.load("cpu")
    with torch.inference_mode():
        pixels = normalise_pixels(torch.from_numpy(PICTURES), expert.params.mean, expert.params.std)
        expected = classifiers.remove_last_layer(network)(pixels).numpy()
    np.testing.assert_allclose(expert.embed(PICTURES).values, expected, rtol=1e-4, atol=1e-4)
    by_name = Expert(Params(**SMALL), of_files(tmp_path).source)
    with pytest.raises(WeightsError, match=r"mine\.pth: not the weights of this network"):
        by_name.load("cpu")


def test_a_file_of_another_network_is_refused_by_order_too(tmp_path):
    torch.save(classifiers.build("torchvision/resnet34.x", 1000, {}).state_dict(), tmp_path / "mine.pth")
    file = WeightFile("http://a/mine.pth", place="mine.pth", state_dict="by_order")
    with pytest.raises(WeightsError, match=r"not the weights of this network: \d+ tensors in the file, 122 in the"):
        Expert(Params(**SMALL), WeightSource(WeightOptions(tmp_path), {"network": file})).load("cpu")


def test_stand_ins_need_no_file_and_say_so():
    expert = seeded(image_classifier, **SMALL)
    assert expert.weights == {"network": "seeded"}
    assert expert.weight_files() == {}
    together = expert.embed(PICTURES).values
    alone = np.concatenate([expert.embed(picture[None]).values for picture in PICTURES])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def test_a_file_in_the_yaml_goes_before_the_published_one(tmp_path):
    source = WeightSource(WeightOptions(tmp_path), {"network": WeightFile("http://a/mine.pth", place="mine.pth")})
    (tmp_path / "mine.pth").write_bytes(b"x")
    expert = Expert(Params(**SMALL), source)
    assert expert.weight_files() == source.files
    assert expert.weight_path("network") == tmp_path / "mine.pth"


def of_files(tmp_path, **more):
    file = WeightFile("http://a/mine.pth", place="mine.pth", **more)
    return Expert(Params(**SMALL), WeightSource(WeightOptions(tmp_path), {"network": file}))


def test_without_a_checksum_the_recipe_holds_the_content_as_soon_as_there_is_one(tmp_path):
    expert, path = of_files(tmp_path), tmp_path / "mine.pth"
    assert expert.weights == {"network": "http://a/mine.pth"}
    assert expert.unknown_parts() == ["network"]
    path.write_bytes(b"one")
    assert expert.weights == {"network": hashlib.sha256(b"one").hexdigest()}
    assert expert.unknown_parts() == []
    path.write_bytes(b"two")
    assert expert.weights == {"network": hashlib.sha256(b"one").hexdigest()}, "a recipe stays within a run"
    assert of_files(tmp_path).weights == {"network": hashlib.sha256(b"two").hexdigest()}
    path.unlink()
    assert of_files(tmp_path).weights == {"network": hashlib.sha256(b"two").hexdigest()}, "remembered"


def test_the_checksum_written_out_is_the_same_recipe_and_a_revision_is_part_of_it(tmp_path):
    (tmp_path / "mine.pth").write_bytes(b"one")
    digest, commit = hashlib.sha256(b"one").hexdigest(), "0123456789" * 4
    assert of_files(tmp_path).weights == of_files(tmp_path, sha256=digest).weights == {"network": digest}
    file = WeightFile("https://huggingface.co/me/net/resolve/main/net.pth", digest, revision=commit)
    source = WeightSource(WeightOptions(tmp_path), {"network": file})
    assert Expert(Params(**SMALL), source).weights == {"network": f"{digest}@{commit}"}


@pytest.mark.parametrize("first", [b"one", None])
def test_a_file_that_is_another_one_when_it_is_loaded_than_in_the_recipe_is_refused(tmp_path, first):
    """Also one that was not there yet when the recipe was made."""
    expert, path = of_files(tmp_path), tmp_path / "mine.pth"
    if first:
        path.write_bytes(first)
    assert expert.weights
    path.write_bytes(b"two")
    with pytest.raises(WeightsError, match=r"mine\.pth: was replaced after this run had begun; run again"):
        expert.weight_path("network")


def test_what_a_library_names_without_a_checksum_is_in_the_recipe_by_content_too(tmp_path):
    encoder = language_model.Encoder(language_model.EncoderParams("me/net"), WeightSource(WeightOptions(tmp_path)))
    assert encoder.weights == {"network": "me/net", "tokenizer": "me/net"}
    assert encoder.unknown_parts() == ["network", "tokenizer"]
    (tmp_path / "me" / "net").mkdir(parents=True)
    (tmp_path / "me" / "net" / "tokenizer.json").write_bytes(b"one")
    assert encoder.weights == {"network": "me/net", "tokenizer": hashlib.sha256(b"one").hexdigest()}


def test_the_prefix_of_several_gpus_is_dropped():
    assert without_module_prefix({"module.fc.weight": 1, "fc.module.bias": 2}) == {"fc.weight": 1, "fc.module.bias": 2}


WITHOUT_LIBRARY = {"resize_px": 32, "crop_px": 32, "dim": 1024, "fps": 25.0, "window": 16, "stride": 16}


def clips_network(precision="fp32"):
    """I3D on a CPU, on stand-ins."""
    expert = video_classifier.Expert(video_classifier.Params(network="i3d", **WITHOUT_LIBRARY), SEEDED)
    expert.precision = precision
    expert.load("cpu")
    return expert


def test_on_a_cpu_a_clip_goes_through_the_network_alone_and_gives_the_same_bits_beside_others():
    expert, numbers = clips_network(), []
    expert.network.register_forward_hook(lambda network, given, output: numbers.append(len(given[0])))
    clips = np.random.default_rng(0).integers(0, 256, (3, 16, 32, 32, 3)).astype(np.uint8)
    together = expert.embed(clips).values
    assert numbers == [1, 1, 1]
    assert together[1:2].tobytes() == expert.embed(clips[1:2]).values.tobytes()
