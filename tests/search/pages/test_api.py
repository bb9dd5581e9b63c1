from pathlib import Path

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


def test_without_a_model_only_experts_of_words_can_be_weighed(untrained):
    experts = api.collection_facts(untrained).experts
    assert {one.name: one.weighable for one in experts} == {"ocr_light": True, "rgb_light": False, "speech_light": True}


@pytest.mark.parametrize("name", ["harbour.mp4", key_of("harbour.mp4")])
def test_a_video_is_its_entry_with_all_its_words(tiny, name):
    facts = api.video_facts(tiny, name)
    assert {key: value for key, value in vars(facts).items() if key != "words"} == vars(tiny.entry("harbour.mp4"))
    assert facts.words == tiny.words.words_of(tiny.row("harbour.mp4"))
