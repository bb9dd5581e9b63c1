import numpy as np
import pytest
import torch

from extractors import video_classifier
from extractors.labels.settings import LabelSettings
from extractors.networks import classifiers
from extractors.networks.base import normalise_pixels
from extractors.video_classifier import Expert, Params
from pipeline.errors import WeightsError
from pipeline.weights import seeded as seeded_weights
from tests.extractors.reference import REFERENCE, SEEDED, distance, items, seeded, with_reference

HALF = (0.5, 0.5, 0.5)
I3D_AS_THE_REFERENCE = {
    "network": "i3d", "dim": 1024, "fps": 981 / 50, "window": 64, "stride": 64,
    "mean": HALF, "std": HALF, "epsilon": 1e-5,
}  # fmt: skip


@pytest.mark.slow
@with_reference
def test_i3d_gives_the_features_of_the_reference(media):
    expert = seeded(video_classifier, **I3D_AS_THE_REFERENCE)
    clips = items(expert, media / "videos" / "v_GGSY1Qvo990.mp4", num_frames=64)
    pixels = normalise_pixels(torch.from_numpy(clips[:, :1]), HALF, HALF)[0, :, 0]
    np.testing.assert_array_equal(pixels, np.load(REFERENCE / "v_GGSY_frame0_i3d_input.npy"))
    assert distance(expert.embed(clips).values, "i3d_rgb64__v_GGSY1Qvo990_rgb.npy") < 1e-5


def test_windows_become_rows_in_any_batch():
    expert = seeded(video_classifier, network="torchvision/s3d.KINETICS400_V1", dim=1024, fps=8.0, window=16, stride=16)
    clips = np.random.default_rng(0).integers(0, 256, (2, 16, 224, 224, 3)).astype(np.uint8)
    together = expert.embed(clips).values
    assert together.shape == (2, 1024)
    np.testing.assert_allclose(expert.embed(clips[1:]).values[0], together[1], rtol=1e-4, atol=1e-4)


def test_a_network_without_a_library_needs_a_file_in_the_yaml():
    with pytest.raises(WeightsError, match="name a file"):
        Expert(Params(**I3D_AS_THE_REFERENCE)).weight_files()


@pytest.mark.parametrize("wrong", [{"window": 8}, {"fps": 0.0}, {"stride": 0}, {"network": "slowfast"}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|at least"):
        Params(**(I3D_AS_THE_REFERENCE | wrong))


def test_labels_of_i3d_are_its_last_convolution_on_its_features():
    settings = I3D_AS_THE_REFERENCE | {"window": 16, "stride": 16}
    expert = Expert(Params(**settings), SEEDED)
    expert.label_settings = LabelSettings("kinetics400", 400)
    expert.load("cpu")
    clips = np.random.default_rng(0).integers(0, 256, (1, 16, 64, 64, 3)).astype(np.uint8)
    kept = expert.embed(clips)
    convolution = expert.network.conv3d_0c_1x1["conv3d"]
    with torch.inference_mode():
        outputs = convolution(torch.from_numpy(kept.values)[..., None, None, None]).flatten(1)
    expected = outputs.softmax(dim=1).numpy()[0]
    np.testing.assert_allclose(kept.extras["label_scores"][0], expected[kept.extras["labels"][0]], atol=1e-5)


@pytest.mark.slow
def test_labels_of_a_library_network_are_those_of_the_whole_network():
    name = "torchvision/mvit_v2_s.KINETICS400_V1"
    expert = Expert(Params(name, 768, fps=7.5, window=16, stride=16), SEEDED)
    expert.label_settings = LabelSettings("kinetics400", 400)
    expert.load("cpu")
    clips = np.random.default_rng(0).integers(0, 256, (1, 16, 224, 224, 3)).astype(np.uint8)
    kept = expert.embed(clips)
    whole = seeded_weights.fill(classifiers.build(name, 400, {})).eval()
    with torch.inference_mode():
        pixels = normalise_pixels(torch.from_numpy(clips), expert.params.mean, expert.params.std)
        expected = whole(pixels).softmax(dim=1).numpy()[0]
    np.testing.assert_allclose(kept.extras["label_scores"][0], expected[kept.extras["labels"][0]], atol=1e-5)
