from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from search.engines.fulltext import Word
from search.index.folder import key_of
from search.pages import api
from search.results import Answer, Found, Hit
from tests.search import small_collection


def hit(shares: dict[str, float | None]) -> Hit:
    word = Word("boat", "speech", 4.0, 4.5)
    found_by = {"words": Found(1, 3.0)}
    return Hit("k", "a.mp4", Path("/secret/a.mp4"), True, 9.0, 0.25, 4.0, found_by, shares, (word,), ("a boat",))


def test_an_answer_is_all_that_was_found_but_the_paths():
    answer = Answer("boat", (hit({"rgb": 0.25, "ocr": None}), hit({})), notes=("one took no part",))
    found = api.found_videos(answer)
    assert (found.query, found.reason, found.notes) == ("boat", "", ("one took no part",))
    for ours, theirs in zip(found.hits, answer.hits, strict=True):
        plain = dict(vars(ours))
        assert plain.pop("similarity") == theirs.similarity
        assert plain == {name: value for name, value in vars(theirs).items() if name != "path"}
    assert "/secret" not in str(found)


def test_the_facts_of_a_collection_name_every_expert_with_its_videos(tiny):
    facts = api.collection_facts(tiny)
    assert (facts.dataset, facts.num_videos, facts.trained) == ("tiny", len(small_collection.CLIPS), True)
    assert {one.name: one.modality for one in facts.experts} == small_collection.EXPERTS
    assert {one.name: one.num_videos for one in facts.experts} == tiny.facts.seen
    assert all(one.weighable for one in facts.experts)
    assert facts.second_stages == ("none",)


def test_without_a_model_only_experts_of_words_and_labels_can_be_weighed(untrained):
    assert all(one.weighable for one in api.collection_facts(untrained).experts)
    plain = replace(untrained.facts, labelled=())
    experts = api.collection_facts(Mock(facts=plain, experts=None)).experts
    assert {one.name: one.weighable for one in experts} == {"ocr_light": True, "rgb_light": False, "speech_light": True}


def test_labels_are_told_with_the_number_of_videos_that_show_them(tiny):
    told = {one.label: one.num_videos for one in api.label_facts(tiny)}
    assert told == {"zebra": 2, small_collection.BEAR: 1, "teddy, teddy bear": 1, small_collection.HOSTILE: 1}
    assert api.label_facts(tiny)[0].label == "zebra"
    assert api.label_facts(Mock(labels=None)) == []


@pytest.mark.parametrize("name", ["harbour.mp4", key_of("harbour.mp4")])
def test_a_video_is_its_entry_with_all_its_words(tiny, name):
    facts = api.video_facts(tiny, name)
    told = {key: value for key, value in vars(facts).items() if key not in {"words", "seen"}}
    assert told == vars(tiny.entry("harbour.mp4"))
    assert [one.label for one in api.video_facts(tiny, "meadow.mp4").seen] == ["zebra", small_collection.BEAR]
    assert facts.words == tiny.words.words_of(tiny.row("harbour.mp4"))
