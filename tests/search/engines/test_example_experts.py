import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import DecodeError, PipelineError
from search.engines import shown_experts
from tests.clips import make_clip
from tests.search.example_collection import CLIPS


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(CLIPS[0].picture(1)).save(tmp_path / "example", "PNG")
    return tmp_path / "example"


def test_an_example_without_a_name_is_called_what_it_is(planted, picture):
    assert planted.example_experts.show(picture, "").name == "a picture"
    assert planted.example_experts.show(picture, "red.png").name == "red.png"


def test_an_expert_that_fails_costs_its_own_answer(planted, tmp_path, monkeypatch):
    def features(expert, items, times_s):
        if expert.named.name == "rgb_light":
            raise RuntimeError("no\nmemory")
        return real(expert, items, times_s)

    real = shown_experts.ShownExpert.features
    monkeypatch.setattr(shown_experts.ShownExpert, "features", features)
    make_clip(tmp_path / "clip.mp4", seconds=2)
    example = planted.example_experts.show(tmp_path / "clip.mp4", "")
    assert set(example.features) == {"audio_light", "flow_light"}
    assert "rgb_light (RuntimeError: no memory)" in example.notes[0]


def test_what_no_expert_can_answer_says_what_would(planted, picture):
    deaf = replace(planted.example_experts, facts=replace(planted.facts, compared=("audio_light", "face")))
    with pytest.raises(PipelineError) as raised:
        deaf.show(picture, "")
    assert not isinstance(raised.value, DecodeError)
    told = str(raised.value)
    assert "No expert of this collection can answer this picture; it takes an expert that sees single frames." in told
    assert "audio_light (a picture is silent)" in told
    assert "\n" not in told


def test_an_expert_that_changed_since_the_index_was_built_takes_no_part(planted, picture):
    stale = replace(planted.facts, recipes=planted.facts.recipes | {"rgb_light": "0" * 12})
    with pytest.raises(PipelineError, match=r"rgb_light .it is not as the index was built with; run BuildIndex again"):
        replace(planted.example_experts, facts=stale).show(picture, "")


def test_an_index_of_an_earlier_version_has_nobody_to_ask(untrained, picture):
    old = replace(untrained.example_experts, facts=replace(untrained.facts, compared=()))
    with pytest.raises(PipelineError, match="No expert of this collection"):
        old.show(picture, "")


def test_the_short_side_is_that_of_what_the_expert_is_shown(planted):
    assert planted.example_experts.short_px("rgb_light") == 120
    assert planted.example_experts.short_px("audio_light") is None
    assert planted.example_experts.short_px("face") is None, "it was imported"


def test_nothing_of_the_file_is_needed_afterwards(planted, picture):
    example = planted.example_experts.show(picture, "")
    shutil.rmtree(picture.parent)
    assert all(np.isfinite(values).all() for values in example.features.values())
