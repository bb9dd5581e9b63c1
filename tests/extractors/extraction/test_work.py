import dataclasses

import pytest

from extractors.extraction import work
from extractors.extraction.work import (
    CLIPS_OF_WORKER_S,
    SOUND_OF_WORKER_S,
    PassOptions,
    Wanted,
    enough_workers,
    without_networks,
)
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


@pytest.mark.parametrize(
    ("names", "minutes", "device", "number"),
    [
        (("audio_light",), 0.5, "cpu", 1),
        (("audio_light",), 3 * SOUND_OF_WORKER_S / 60, "cpu", 3),
        (("audio_light",), 600, "cpu", 4),
        (("audio_light", "speech_light"), 0.5, "cpu", 1),
        (("audio_light", "rgb_light"), 0.5, "cpu", 4),
        (("motion",), 0.5, "cpu", 1),
        (("motion", "rgb_light"), CLIPS_OF_WORKER_S / 60, "cpu", 2),
        (("motion",), 600, "cpu", 4),
        (("motion",), 0.5, "cuda:0", 4),
        (("flow_light",), 0.5, "cpu", 4),
    ],
)
def test_a_little_sound_or_what_a_cpu_looks_at_for_long_needs_one_worker_and_frames_need_all(
    monkeypatch, tmp_path, names, minutes, device, number
):
    monkeypatch.setattr(work, "num_workers", lambda setting: 2)
    wanted = [Wanted(named(name), tmp_path, frozenset("a")) for name in names]
    options = PassOptions(workers=4, deadline_s=60, videos_per_part=64, device=device)
    assert enough_workers(wanted, 60 * minutes, options) == dataclasses.replace(options, workers=number)


def test_with_many_cores_a_network_is_done_sooner_so_more_workers_are_worth_their_start(monkeypatch, tmp_path):
    wanted = [Wanted(named("motion"), tmp_path, frozenset("a"))]
    options = PassOptions(workers=8, deadline_s=60, videos_per_part=64, device="cpu")
    found = []
    for cores in (2, 16):
        monkeypatch.setattr(work, "num_workers", lambda setting, cores=cores: cores)
        found.append(enough_workers(wanted, CLIPS_OF_WORKER_S / 2, options).workers)
    assert found == [1, 8]
