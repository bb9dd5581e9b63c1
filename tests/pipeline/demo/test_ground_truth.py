from collections import Counter
from dataclasses import replace

import pytest

from pipeline.datasets.annotations import load_dataset
from pipeline.demo.ground_truth import COLORS, SCENES, SHAPES, SOUNDS, SUBTITLES, THINGS, WORDS
from pipeline.demo.make import all_facts
from tests.conftest import ROOT

SETTINGS = load_dataset("demo", ROOT / "configs" / "datasets").demo


def test_more_test_videos_change_no_other_video():
    more = {facts.name: facts for facts in all_facts(replace(SETTINGS, num_test=80))}
    assert all(more[facts.name] == facts for facts in all_facts(SETTINGS))


def test_more_train_videos_change_the_facts_of_no_split():
    def keys(settings):
        return {facts.key: replace(facts, name="") for facts in all_facts(settings)}

    more = keys(replace(SETTINGS, num_train=200))
    assert all(more[key] == facts for key, facts in keys(SETTINGS).items())


def test_another_seed_gives_another_demo():
    assert all_facts(replace(SETTINGS, seed=8)) != all_facts(SETTINGS)


def test_no_two_videos_share_a_name_or_their_chance():
    facts = all_facts(SETTINGS)
    assert len({one.name for one in facts}) == len({one.key for one in facts}) == 144 + 32 + 40 + 1


@pytest.mark.parametrize(
    ("field", "share"),
    [("sound", 0.1), ("word", 0.26), ("face", 0.5), ("topic", 0.25), ("scene", 10 / 18), ("thing", 8 / 18)],
)
def test_a_channel_is_absent_as_often_as_planned(field, share):
    facts = all_facts(SETTINGS)
    absent = sum(getattr(one, field) is None for one in facts) / len(facts)
    assert absent == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("color", COLORS),
        ("shape", SHAPES),
        ("scene", SCENES),
        ("thing", THINGS),
        ("sound", SOUNDS),
        ("word", WORDS),
        ("topic", tuple(SUBTITLES)),
    ],
)
def test_every_fact_occurs_several_times_in_train(field, values):
    counts = Counter(getattr(one, field) for one in all_facts(SETTINGS) if one.split == "train")
    assert min(counts[value] for value in values) >= 5


def test_the_background_is_a_scene_or_a_thing():
    assert all((facts.scene is None) != (facts.thing is None) for facts in all_facts(SETTINGS))


def test_a_still_shape_has_no_speed_and_a_moving_one_has():
    assert all((facts.direction == "still") == (facts.speed == "") for facts in all_facts(SETTINGS))
