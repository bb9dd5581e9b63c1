import dataclasses

from extractors.extraction.work import Wanted, without_networks
from extractors.labels.settings import LabelSettings
from tests.extractors.run_experts import named


def test_a_fresh_expert_has_the_settings_and_no_network(tmp_path):
    expert = dataclasses.replace(named("rgb_light"), extractor=type(named("rgb_light").extractor)(None))
    expert.extractor.network = "loaded"
    expert.extractor.label_settings = LabelSettings("audioset")
    again = without_networks(Wanted(expert, tmp_path, frozenset("a")))
    assert (again.expert.name, again.keys, again.expert.recipe) == ("rgb_light", frozenset("a"), expert.recipe)
    assert again.expert.extractor.params is expert.extractor.params
    assert again.expert.extractor.labels == expert.extractor.labels != ()
    assert not hasattr(again.expert.extractor, "network")
