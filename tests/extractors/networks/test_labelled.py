import numpy as np
import pytest
import torch
import yaml

from extractors import image_classifier, registry
from extractors.image_classifier import Expert, Params
from extractors.labels.settings import LabelSettings
from extractors.networks import classifiers
from extractors.networks.labelled import top_labels
from extractors.networks.pixels import normalise_pixels
from pipeline.stores import parts, store
from pipeline.weights import seeded
from pipeline.weights.files import WeightOptions
from tests.clips import make_clip
from tests.extractors.reference import SEEDED
from tests.extractors.reference import seeded as seeded_expert
from tests.extractors.run_experts import named, run_pass, video_of

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
NETWORKS = [
    ("torchvision/resnet18.IMAGENET1K_V1", 512),
    ("torchvision/densenet121.IMAGENET1K_V1", 1024),
    ("timm/tf_efficientnet_lite0.in1k", 1280),
]


def params(network=NETWORKS[0][0], dim=NETWORKS[0][1]):
    return Params(network, dim, resize_px=64, crop_px=64)


def labelled(keep=20, **more):
    expert = Expert(params(**more), SEEDED)
    expert.label_settings = LabelSettings("imagenet1k", keep)
    expert.load("cpu")
    return expert


@pytest.mark.parametrize(("network", "dim"), NETWORKS)
def test_labels_are_those_of_the_whole_network_of_the_library(network, dim):
    whole = seeded.fill(classifiers.build(network, 1000, {})).eval()
    expert = labelled(keep=1000, network=network, dim=dim)
    kept = expert.embed(PICTURES)
    with torch.inference_mode():
        pixels = normalise_pixels(torch.from_numpy(PICTURES), expert.params.mean, expert.params.std)
        expected = whole(pixels).softmax(dim=1).numpy()
    found = np.zeros_like(expected)
    np.put_along_axis(found, kept.extras["labels"].astype(np.int64), kept.extras["label_scores"], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (kept.extras["labels"].dtype, kept.extras["label_scores"].dtype) == (np.int16, np.float32)


def test_the_vectors_are_the_same_bits_with_labels_and_without():
    plain = seeded_expert(image_classifier, network=NETWORKS[0][0], dim=512, resize_px=64, crop_px=64)
    with_labels = labelled().embed(PICTURES)
    assert plain.embed(PICTURES).values.tobytes() == with_labels.values.tobytes()
    assert plain.embed(PICTURES).extras == {}
    assert with_labels.extras["labels"].shape == with_labels.extras["label_scores"].shape == (3, 20)


def test_the_most_probable_come_first_and_of_equal_ones_the_lower_index():
    probabilities = np.array([[0.1, 0.4, 0.1, 0.4], [0.7, 0.0, 0.3, 0.0]], np.float32)
    kept = top_labels(probabilities, 3)
    assert kept["labels"].tolist() == [[1, 3, 0], [0, 2, 1]]
    assert kept["label_scores"].tolist() == probabilities[[[0], [1]], kept["labels"]].tolist()


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_the_last_layer_is_computed_in_float32_whatever_the_precision_of_the_others(precision):
    expert = labelled(keep=1000)
    with torch.autocast("cpu", precision):
        kept = expert.embed(PICTURES)
    outputs = expert.head(torch.from_numpy(kept.values))
    np.testing.assert_array_equal(kept.extras["label_scores"], np.sort(outputs.softmax(dim=1).numpy(), axis=1)[:, ::-1])


def written(folder, **more):
    """An expert with labels, of a YAML."""
    told = {
        "extractor": "image_classifier", "modality": "rgb", "labels": {"names": "imagenet1k", "keep": 5},
        "params": {"network": NETWORKS[0][0], "dim": 512, "resize_px": 64, "crop_px": 64, "fps": 4.0},
    }  # fmt: skip
    (folder / "small.yaml").write_text(yaml.safe_dump(told | more), encoding="utf-8")
    return registry.expert("small", folder, WeightOptions(seeded=True))


def test_labels_are_the_same_bits_alone_and_in_a_fused_pass(tmp_path, rich_clip):
    torch.set_num_threads(1)
    clips = [rich_clip, make_clip(tmp_path / "other.mp4", seconds=1.5, size=(96, 72))]
    videos = [(path, video_of(path)) for path in clips]
    assert run_pass([written(tmp_path), named("rgb_light")], videos, tmp_path / "fused") == {}
    assert run_pass([written(tmp_path)], videos[1:], tmp_path / "alone") == {}
    store.forget_scans()
    key = videos[1][1].content
    fused, alone = (parts.read_features(tmp_path / name / "small", key) for name in ("fused", "alone"))
    assert fused.extras.keys() == alone.extras.keys() == {"labels", "label_scores"}
    assert fused.values.tobytes() == alone.values.tobytes()
    for name in fused.extras:
        assert fused.extras[name].tobytes() == alone.extras[name].tobytes()
    assert alone.extras["labels"].shape == (len(alone.values), 5)
    assert np.all(np.diff(alone.extras["label_scores"], axis=1) <= 0)
