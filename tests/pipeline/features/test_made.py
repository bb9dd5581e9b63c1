import pytest

from pipeline.errors import ConfigError
from pipeline.features.made import agrees
from pipeline.stores import open_features
from tests.pipeline.features.stored import COUNTS, SEEN

OTHER = SEEN | {"params": {"fps": 3.0, "size": [4, 4]}}
BIGGER = SEEN | {"params": {"fps": 2.0, "size": [8, 8]}}


def test_a_setting_of_the_yaml_decides(stored):
    stored.store(OTHER, made="2026-11-09T00:00:00+0000")
    folder = stored.store()
    assert open_features("tiny", "seen_light").fingerprint == folder.name
    stored.yaml("experts", "seen_light", extractor="seen", modality="rgb", params={"fps": 3.0})
    assert open_features("tiny", "seen_light").recipe == OTHER


def test_features_of_other_settings_are_never_given_for_those_of_the_yaml(stored):
    folder = stored.store(OTHER)
    with pytest.raises(ConfigError, match=rf"^tiny: seen_light was extracted with other [^\n]*{folder.name}\)$"):
        open_features("tiny", "seen_light")
    assert open_features("tiny", "seen_light", fingerprint=folder.name).recipe == OTHER


def test_a_fingerprint_that_is_not_there_is_told_with_those_that_are(stored):
    folder = stored.store()
    with pytest.raises(ConfigError, match=rf"^tiny: no features of seen_light [^\n]*'000000000000'[^\n]*{folder.name}"):
        open_features("tiny", "seen_light", fingerprint="000000000000")


@pytest.mark.parametrize("newer", [{"version": 2}, {"decode": [3, 1]}])
def test_features_of_newer_code_come_first(stored, newer):
    stored.store(made="2026-11-09T00:00:00+0000")
    folder = stored.store(SEEN | newer, made="2026-11-02T00:00:00+0000", counts={"three.mp4": 3})
    assert open_features("tiny", "seen_light").fingerprint == folder.name


def test_of_what_the_yaml_does_not_tell_apart_the_fuller_and_then_the_later_comes_first(stored):
    first, later = stored.store(made="2026-11-02T00:00:00+0000"), stored.store(BIGGER, made="2026-11-01T00:00:00+0000")
    assert open_features("tiny", "seen_light").fingerprint == first.name
    stored.store(BIGGER, counts={"new.mp4": 1})
    assert open_features("tiny", "seen_light").fingerprint == later.name
    assert len(open_features("tiny", "seen_light")) == len(COUNTS)


WEIGHTS = {"weights": {"network": "seeded"}}


@pytest.mark.parametrize(
    "recipe, settings, seeded, expected",
    [
        (SEEN, {"extractor": "seen"}, False, True),
        (SEEN, {"extractor": "heard"}, False, False),
        (SEEN, {"extractor": "seen", "params": {"size": [4, 4]}}, False, True),
        (SEEN, {"extractor": "seen", "params": {"new": 1}}, False, False),
        (SEEN, {"extractor": "seen", "precision": "bf16"}, False, False),
        (SEEN | {"precision": "bf16"}, {"extractor": "seen"}, False, False),
        (SEEN | {"precision": "bf16"}, {"extractor": "seen", "precision": "bf16"}, False, True),
        (SEEN | WEIGHTS, {"extractor": "seen"}, False, False),
        (SEEN | WEIGHTS, {"extractor": "seen"}, True, True),
        (SEEN | WEIGHTS, {"extractor": "seen", "weights": "seeded"}, False, True),
        (SEEN | {"weights": {"network": "ab"}}, {"extractor": "seen"}, True, False),
    ],
)
def test_a_recipe_agrees_with_a_yaml_where_all_that_it_says_is_in_it(recipe, settings, seeded, expected):
    assert agrees(recipe, settings, seeded) is expected
