"""The next network of a library is one YAML, and one for its text tower: named, extracted, compared, trained on."""

import json

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from search import Collection
from tasks import BuildIndex, EvaluateCE
from tests.extractors import hub_folder, next_network
from tests.tasks.project import Project

DIM = next_network.DIM
TINY = {
    "embed_dim": DIM,
    "vision_cfg": {"layers": 1, "width": 16, "head_width": 8, "patch_size": 16, "image_size": 32},
    "text_cfg": {"layers": 1, "width": 16, "heads": 2, "vocab_size": 49408, "context_length": 77},
}
URL = "https://example.org/next/open_clip_model.safetensors"
IMAGES = {"size_px": 32, "fps": 2.0}
CLIPS = {"size_px": 64, "num_frames": 2, "revision": hub_folder.REVISION}
ALIGNED = {
    "next_image": ("image_text", {"network": next_network.NAME, "dim": DIM}, IMAGES, {}),
    "next_open": ("image_text", {"network": "tiny-next.mine", "dim": DIM}, IMAGES, {}),
    "next_video": ("video_text", {"network": hub_folder.NAME, "dim": 32}, CLIPS, {"revision": hub_folder.REVISION}),
}
"""Expert -> module, what both YAMLs say, what that of the expert says, what that of the text tower says."""


@pytest.fixture
def grown(project: Project, tmp_path):
    """The tiny project with YAMLs for networks that this program has never heard of, and their files in its cache."""
    cache = project.data / "weights"
    next_network.release(cache, "align")
    hub_folder.release(cache, "xclip", dim=32, size_px=64, num_frames=2, max_tokens=8)
    (tmp_path / "tiny-next.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(tmp_path / "tiny-next.json")
    torch.manual_seed(0)
    (cache / "next").mkdir()
    tensors = open_clip.create_model("tiny-next", load_weights=False).state_dict()
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, cache / "next" / "tiny.safetensors")
    for name, (module, both, mine, said) in ALIGNED.items():
        weights = {"weights": {"network": {"url": URL, "place": "next/tiny.safetensors"}}} if "open" in name else {}
        words = said | ({"max_tokens": 8} if module == "video_text" else {})
        project.write_config("experts", name, {"extractor": module, "modality": "rgb", "params": both | mine} | weights)
        project.write_config("text", name, {"encoder": module, "params": both | words} | weights)
    backbone = {"network": "timm/test_vit.r160_in1k", "dim": 64, "classes": 0, "resize_px": 160, "crop_px": 160}
    timm = {"extractor": "image_classifier", "modality": "rgb", "params": backbone, "weights": "seeded"}
    project.write_config("experts", "next_timm", timm)
    project.edit("models", "tiny", experts=["rgb_light", *ALIGNED, "next_timm"])
    return project


@pytest.mark.slow
def test_networks_that_no_file_here_names_are_extracted_compared_and_trained_on_by_their_yamls(grown):
    grown.run(EvaluateCE, dataset="tiny", rankings=False)
    report = grown.report()
    assert sorted(report["experts"]) == sorted(["rgb_light", *ALIGNED, "next_timm"])
    rows = [f"{name}.{pool}" for name in sorted(ALIGNED) for pool in ("mean", "best")]
    assert list(report["untrained"]) == [*rows, "fusion"], "each has its own untrained row"
    assert {name: grown.values(name).shape[1] for name in (*ALIGNED, "next_timm")} == {
        "next_image": DIM,
        "next_open": DIM,
        "next_video": 32,
        "next_timm": 64,
    }
    grown.run(BuildIndex, dataset="tiny")
    assert len(Collection.open("tiny", grown.data, grown.configs).videos) == 14
