import numpy as np
import pytest

from extractors.extraction.views import Segment, prepare_segment
from pipeline.errors import PipelineError
from search.engines.shown_experts import load


def test_features_do_not_depend_on_the_batch(planted, planted_root, monkeypatch):
    facts, experts = planted.facts, planted.example_experts
    expert = load(experts.folder, "rgb_light", experts.weights, facts.recipes["rgb_light"])
    prepared = prepare_segment(Segment(planted_root / "videos" / "clip0.mp4", "", 0, (expert.named.id,)))["rgb_light"]
    whole = expert.features(prepared.items, prepared.times_s)
    one_by_one = [
        expert.features(prepared.items[at : at + 1], prepared.times_s[at : at + 1]) for at in range(len(whole))
    ]
    np.testing.assert_array_equal(whole, np.concatenate(one_by_one))
    assert len(whole) == len(prepared.items) == 6, "three seconds at two frames a second"
    assert len(expert.features(prepared.items[:0], prepared.times_s[:0])) == 0


def test_an_expert_is_built_once(planted):
    experts, recipe = planted.example_experts, planted.facts.recipes["rgb_light"]
    assert load(experts.folder, "rgb_light", experts.weights, recipe) is load(
        experts.folder, "rgb_light", experts.weights, recipe
    )


@pytest.mark.parametrize(("expected", "told"), [("", "imported"), ("0" * 12, "run BuildIndex again")])
def test_an_expert_that_cannot_see_as_the_index_saw_is_refused(planted, expected, told):
    with pytest.raises(PipelineError, match=told):
        load(planted.example_experts.folder, "rgb_light", planted.example_experts.weights, expected)
