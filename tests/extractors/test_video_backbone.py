import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from transformers import (
    VideoMAEConfig,
    VideoMAEForVideoClassification,
    VideoMAEModel,
    VideoMAEVideoProcessor,
    VJEPA2Config,
    VJEPA2ForVideoClassification,
    VJEPA2Model,
    VJEPA2VideoProcessor,
)

from extractors import video_backbone
from extractors.video_backbone import Params
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.reference import items_of, picture, seeded
from tests.extractors.run_experts import EXPERTS

SETTINGS = {
    "network": "transformers/me/tiny",
    "dim": 32,
    "fps": 4.0,
    "window": 4,
    "stride": 4,
    "resize_px": 36,
    "crop_px": 32,
}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
JEPA = VJEPA2Config(
    patch_size=16, crop_size=32, frames_per_clip=4, hidden_size=32, num_attention_heads=2, num_hidden_layers=2,
    num_pooler_layers=1, pred_hidden_size=24, pred_num_attention_heads=2, pred_num_hidden_layers=1, num_labels=3,
)  # fmt: skip
MAE = VideoMAEConfig(
    image_size=32, patch_size=16, num_frames=4, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=32, num_labels=3,
)  # fmt: skip
IMAGENET = {"image_mean": (0.485, 0.456, 0.406), "image_std": (0.229, 0.224, 0.225)}
"""As VideoMAE's authors trained it, and its repository says; the class alone has 0.5."""
KINDS = {
    "vjepa2": (VJEPA2Model, JEPA),
    "vjepa2, a classifier": (VJEPA2ForVideoClassification, JEPA),
    "videomae": (VideoMAEModel, MAE),
    "videomae, a classifier": (VideoMAEForVideoClassification, MAE),
}


def write(folder, kind):
    """Writes a network of the library as its repository has it, and returns it."""
    made, settings = KINDS[kind]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = made(settings).eval()
    network.save_pretrained(folder / "me" / "tiny")
    return network


def expert_of(cache, **changed):
    expert = video_backbone.Expert(Params(**(SETTINGS | changed)), WeightSource(WeightOptions(cache, offline=True)))
    expert.load("cpu")
    return expert


def clips():
    return np.stack([[picture(index + shift, 32, 32) for index in range(4)] for shift in (0, 9)])


@pytest.mark.parametrize("kind", KINDS)
def test_the_features_are_the_mean_of_what_the_library_computes(tmp_path, kind):
    network = write(tmp_path, kind)
    body = getattr(network, "vjepa2", getattr(network, "videomae", network))
    pixels = (torch.from_numpy(clips()).permute(0, 1, 4, 2, 3) / 255 - 0.5) / 0.5
    with torch.inference_mode():
        jepa = {"skip_predictor": True} if isinstance(body, VJEPA2Model) else {}
        expected = body(pixels, **jepa).last_hidden_state.mean(1).numpy()
    found = expert_of(tmp_path, **HALF).embed(clips())
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert np.ptp(expected) > 0.1


@pytest.mark.parametrize(
    ("processor", "shipped"),
    [(VJEPA2VideoProcessor(), "motion_vjepa2"), (VideoMAEVideoProcessor(**IMAGENET), "motion_videomae")],
)
def test_the_pixels_are_those_of_the_librarys_own_processor(processor, shipped):
    params = yaml.safe_load((EXPERTS / f"{shipped}.yaml").read_text())["params"]
    settings = Params(**params)
    frames = [picture(index, 320, 400) for index in range(settings.window)]
    expert = video_backbone.Expert(settings)
    seen = []
    expert.device, expert.network = "cpu", lambda batch: seen.append(batch) or torch.zeros(len(batch), 1)
    expert.forward = lambda batch: expert.network(batch.movedim(2, 1))
    expert.embed(items_of(expert, frames))
    video = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    (expected,) = processor(videos=[video], return_tensors="pt").values()
    np.testing.assert_allclose(seen[0].numpy(), expected.numpy(), atol=0.08)
    assert (seen[0] - expected).abs().mean() < 0.01


@pytest.mark.parametrize("kind", ["vjepa2", "videomae, a classifier"])
def test_a_tensor_too_few_or_too_many_is_refused_by_name(tmp_path, kind):
    write(tmp_path, kind)
    path = tmp_path / "me" / "tiny" / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name in sorted(tensors) if "layer.1" in name or "layer_1" in name or ".1." in name)
    save_file({one: tensor for one, tensor in tensors.items() if one != name}, path, {"format": "pt"})
    with pytest.raises(WeightsError, match="that no file holds: "):
        expert_of(tmp_path)
    save_file(tensors | {"encoder.another": torch.zeros(1)}, path, {"format": "pt"})
    with pytest.raises(WeightsError, match=r"that the network does not have: .*another"):
        expert_of(tmp_path)


@pytest.mark.parametrize(
    ("kind", "changed", "why"),
    [
        ("vjepa2", {"dim": 16}, "vectors of length 32, where dim is 16"),
        ("videomae", {"window": 6}, "takes windows of 4 frames, not 6"),
    ],
)
def test_settings_that_do_not_fit_the_file_are_refused(tmp_path, kind, changed, why):
    write(tmp_path, kind)
    with pytest.raises(WeightsError, match=why):
        expert_of(tmp_path, **changed)


def test_a_network_of_another_kind_is_refused(tmp_path):
    write(tmp_path, "videomae")
    path = tmp_path / "me" / "tiny" / "config.json"
    path.write_text(json.dumps(json.loads(Path(path).read_text()) | {"model_type": "vit"}))
    with pytest.raises(WeightsError, match=r"tiny/model\.safetensors"):
        expert_of(tmp_path)


def test_stand_ins_are_small_and_as_wide_as_is_said():
    found = seeded(video_backbone, **SETTINGS).embed(clips())
    assert found.values.shape == (2, 32)
    assert np.isfinite(found.values).all()


@pytest.mark.parametrize("wrong", [{"network": "vjepa2"}, {"window": 3}, {"fps": 0}, {"resize_px": 16}, {"dim": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Params(**(SETTINGS | wrong))
