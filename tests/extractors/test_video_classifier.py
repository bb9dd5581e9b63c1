import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision import models
from torchvision.transforms import functional as vision

from extractors import video_classifier
from extractors.base import FrameNeed
from extractors.extraction import segments, views
from extractors.labels.settings import LabelSettings
from extractors.networks import classifiers
from extractors.networks.pixels import normalise_pixels
from extractors.video_classifier import Expert, Params
from pipeline.errors import WeightsError
from pipeline.media.video import probe
from pipeline.weights import seeded as seeded_weights
from pipeline.weights.files import WeightSource
from tests.clips import make_clip, numbered
from tests.extractors.reference import (
    REFERENCE,
    SEEDED,
    distance,
    items,
    items_of,
    of_peer,
    picture,
    relative_l2,
    seeded,
    with_reference,
)  # fmt: skip
from tests.extractors.run_experts import named

HALF = (0.5, 0.5, 0.5)
I3D_AS_THE_REFERENCE = {
    "network": "i3d", "dim": 1024, "fps": 981 / 50, "window": 64, "stride": 64,
    "mean": HALF, "std": HALF, "epsilon": 1e-5,
}  # fmt: skip


@pytest.mark.slow
@with_reference
def test_i3d_gives_the_features_of_the_reference(media):
    expert = seeded(video_classifier, **I3D_AS_THE_REFERENCE)
    clips = items(expert, media / "videos" / "v_GGSY1Qvo990.mp4", num_frames=5 * 64)
    assert len(clips) == len(np.load(REFERENCE / "i3d_rgb64__v_GGSY1Qvo990_rgb.npy")) == 5
    pixels = normalise_pixels(torch.from_numpy(clips[:, :1]), HALF, HALF)[0, :, 0]
    np.testing.assert_array_equal(pixels, np.load(REFERENCE / "v_GGSY_frame0_i3d_input.npy"))
    found = np.concatenate([expert.embed(clips[index : index + 1]).values for index in range(5)])
    assert distance(found, "i3d_rgb64__v_GGSY1Qvo990_rgb.npy") < 1e-5


def test_i3d_gives_the_features_of_video_features():
    """Of a wide frame: an odd margin of 231 px, of which that program crops 115 on the left."""
    settings = I3D_AS_THE_REFERENCE | {"window": 16, "stride": 16, "crop_offset": "floor"}
    expert = seeded(video_classifier, **settings)
    clips = items_of(expert, [picture(index, 240, 427) for index in range(32)])
    assert relative_l2(expert.embed(clips).values, of_peer("i3d_rgb")) < 1e-5


def test_r2plus1d_gives_the_features_of_video_features():
    expert = named("motion_r2plus1d").extractor
    expert.load("cpu")
    clips = items_of(expert, [picture(index, 240, 427) for index in range(32)])
    assert relative_l2(expert.embed(clips).values, of_peer("r2plus1d_18")) < 1e-5


def as_video_features_sees(frames):
    """Clips (1, 3, T, 112, 112) of the frames (T, H, W, 3), as https://github.com/v-iashin/video_features at a2f61b7
    feeds them to R(2+1)D: pixels in 0..1, resized to 128 x 171 in float32, normalised, and then cropped."""
    planes = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    small = functional.interpolate(planes, size=(128, 171), mode="bilinear", align_corners=False, antialias=False)
    normal = vision.normalize(small, [0.43216, 0.394666, 0.37645], [0.22803, 0.22145, 0.216989])
    return vision.center_crop(normal, [112, 112]).transpose(0, 1)[None]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(320, 240), (214, 380)])
def test_r2plus1d_gives_the_features_of_that_arithmetic_on_a_file(tmp_path, size):
    """Written a second time, on frames that were decoded; a resize by Pillow in between is more than 1e-3 away."""
    path = make_clip(tmp_path / "clip.mp4", size=size, seconds=0.64, picture=lambda index: textured(index, size))
    expert = named("motion_r2plus1d").extractor
    expert.load("cpu")
    native = views.decode_views(segments.Segment(path, "key", 0, ()), probe(path), {FrameNeed(25.0)})
    frames = native[FrameNeed(25.0)].view.frames
    assert len(frames) == 16
    network = seeded_weights.fill(models.video.r2plus1d_18(weights=None)).eval()
    network.fc = torch.nn.Identity()
    with torch.inference_mode():
        expected = network(as_video_features_sees(frames)).numpy()
    found = expert.embed(items(expert, path)).values
    assert found.shape == (1, 512)
    assert relative_l2(found, expected) < 1e-5
    rounded = Expert(dataclasses.replace(expert.params, resize="bilinear"), SEEDED)
    rounded.load("cpu")
    assert relative_l2(rounded.embed(items(rounded, path)).values, expected) > 1e-3


def textured(index, size):
    """A moving frame with detail of all sizes, which a resize without smoothing shows otherwise than one with it."""
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    return np.where(np.arange(size[1])[:, None, None] % 3 == 0, np.roll(noise, index, 1), numbered(index, size))


def test_windows_become_rows_in_any_batch():
    expert = seeded(video_classifier, network="torchvision/s3d.KINETICS400_V1", dim=1024, fps=8.0, window=16, stride=16)
    clips = np.random.default_rng(0).integers(0, 256, (2, 16, 224, 224, 3)).astype(np.uint8)
    together = expert.embed(clips).values
    assert together.shape == (2, 1024)
    np.testing.assert_allclose(expert.embed(clips[1:]).values[0], together[1], rtol=1e-4, atol=1e-4)


def test_a_network_without_a_library_needs_a_file_in_the_yaml():
    with pytest.raises(WeightsError, match="name a file"):
        Expert(Params(**I3D_AS_THE_REFERENCE)).weight_files()


def test_an_exact_size_and_a_floored_crop_are_what_the_expert_is_shown():
    settings = I3D_AS_THE_REFERENCE | {"resize_px": (256, 455), "crop_offset": "floor"}
    need = Expert(Params(**settings)).need
    assert (need.short_px, need.size_px, need.crop_px, need.crop_offset) == (None, (256, 455), 224, "floor")


@pytest.mark.parametrize(
    "wrong",
    [
        {"resize_px": (224, 200)},
        {"resize_px": 200},
        {"window": 8},
        {"fps": 0.0},
        {"stride": 0},
        {"network": "slowfast"},
    ],
)
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


def test_i3d_has_no_rows_of_no_windows():
    settings = Params(network="i3d", dim=1024, fps=25.0, window=16, stride=16, resize_px=32, crop_px=32)
    expert = Expert(settings, WeightSource(always_seeded=True))
    expert.load("cpu")
    assert expert.embed(np.zeros((0, 16, 32, 32, 3), np.uint8)).values.shape == (0, 1024)
