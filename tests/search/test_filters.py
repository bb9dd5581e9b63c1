import dataclasses

import numpy as np
import pytest

from search import Filter, Options
from search.config import SecondStage
from search.filters import UnknownNameError, allowed, check, second_stage, second_stages
from tests.search.small_collection import CLIPS

NAMES = sorted(clip.name for clip in CLIPS)


def passed(collection, only, labels=True):
    mask = allowed(only, collection.videos, collection.facts, collection.labels if labels else None)
    assert mask.dtype == np.bool_
    return [entry.video_id for entry, passes in zip(collection.videos, mask, strict=True) if passes]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (Filter(), NAMES),
        (Filter(modalities=frozenset({"ocr"})), ["harbour.mp4", "street.mp4"]),
        (Filter(modalities=frozenset({"ocr", "speech"})), ["harbour.mp4"]),
        (Filter(modalities=frozenset({"face"})), []),
        (Filter(longest_s=3.0), ["street.mp4"]),
        (Filter(shortest_s=7.0), ["long/walk.mp4"]),
        (Filter(split="val"), ["long/walk.mp4"]),
        (Filter(video="street.mp4"), ["street.mp4"]),
        (Filter(video="street.mp4", shortest_s=7.0), []),
        (Filter(video="nowhere.mp4"), []),
        (Filter(labels=frozenset({"bear"})), ["kitchen.mp4", "meadow.mp4"]),
        (Filter(labels=frozenset({"bear", "zebra"})), ["meadow.mp4"]),
        (Filter(labels=frozenset({"grasshopper"})), []),
        (Filter(labels=frozenset({"bear"}), longest_s=3.0), []),
    ],
)
def test_a_video_passes_what_it_has_all_of(tiny, only, expected):
    assert passed(tiny, only) == expected


def test_without_labels_no_video_passes_a_filter_by_label(tiny):
    assert passed(tiny, Filter(labels=frozenset({"zebra"})), labels=False) == []
    assert passed(tiny, Filter(), labels=False) == NAMES


def test_a_name_that_no_video_can_have_is_told_and_those_that_one_can_have_pass(tiny):
    check(
        Options(weights=dict.fromkeys(tiny.facts.modalities, 0.0), only=Filter(frozenset({"ocr", "rgb"}))), tiny.facts
    )
    for options in (Options(weights={"face_light": 1.0}), Options(only=Filter(frozenset({"face"})))):
        with pytest.raises(UnknownNameError, match=r"'face.*there are: ocr"):
            check(options, tiny.facts)


@pytest.mark.parametrize(
    ("usual", "towers", "known", "chosen"),
    [
        ("none", ("clip",), ["none", "late_interaction"], ["none", "none", "late_interaction"]),
        ("late_interaction", ("clip",), ["late_interaction", "none"], ["late_interaction", "none", "late_interaction"]),
        ("late_interaction", (), ["none"], ["none", "none", None]),
    ],
)
def test_a_second_stage_is_that_of_the_settings_unless_the_query_asks_for_another(tiny, usual, towers, known, chosen):
    settings = dataclasses.replace(tiny.settings, second_stage=SecondStage(usual))
    facts = dataclasses.replace(tiny.facts, late=towers)
    assert second_stages(settings, facts) == known
    for asked, expected in zip(("", "none", "late_interaction"), chosen, strict=True):
        if expected is not None:
            check(Options(second_stage=asked), facts)
            assert second_stage(Options(second_stage=asked), settings, facts) == expected
            continue
        with pytest.raises(UnknownNameError, match=r"'late_interaction' is not a second stage of tiny .*none"):
            check(Options(second_stage=asked), facts)
