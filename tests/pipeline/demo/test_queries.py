import re

import pytest

from pipeline.datasets.annotations import load_dataset
from pipeline.demo.captions import write_captions
from pipeline.demo.make import all_facts
from pipeline.demo.queries import QUERIES
from search import Collection
from tests.conftest import ROOT
from tests.extractors.packaged import packaged_expert, packaged_text
from tests.tasks.project import Project

SETTINGS = load_dataset("demo", ROOT / "configs" / "datasets").demo
FACTS = all_facts(SETTINGS)


def words(text):
    return set(re.findall(r"\w+", text.lower()))


def test_no_word_of_a_query_is_in_any_caption():
    captions = {
        word
        for facts in FACTS
        for text, _ in write_captions(facts, SETTINGS.captions_per_video)
        for word in words(text)
    }
    assert {"cat", "motorcycle", "rain"} <= captions
    for query in QUERIES:
        asked = words(query.text) - {"a"}
        assert asked
        assert not {caption for caption in captions for word in asked if caption.startswith(word)}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text)
def test_some_videos_answer_a_query_and_most_do_not(query):
    assert 1 <= sum(map(query.is_answer, FACTS)) < len(FACTS) / 10


def test_one_query_is_of_a_word_that_somebody_says_and_the_others_are_of_what_is_shown():
    (heard,) = (query for query in QUERIES if any(words(query.text) - {"a"} <= words(f.subtitle or "") for f in FACTS))
    assert all(facts.topic == "rain" for facts in FACTS if heard.is_answer(facts))
    assert not any(words(query.text) - {"a"} <= words(f.word or "") for query in QUERIES for f in FACTS)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """The demo's collection, of the two experts that the queries need and one seed."""
    packaged_expert("rgb_lite")  # skips where its package is not installed
    packaged_text("sentence_minilm")
    project = Project(tmp_path_factory.mktemp("demo"))
    shipped = {
        "experts": ["rgb_lite", "speech_light"],
        "text": ["sentence_minilm"],
        "models": ["ce_demo"],
        "datasets": ["demo"],
    }
    for kind, names in shipped.items():
        for name in names:
            project.copy_config(kind, name)
    project.edit("models", "ce_demo", experts=shipped["experts"], training__seeds=[0])
    folder = project.data / "raw" / "demo"
    project.edit("datasets", "demo", videos=str(folder / "videos"), captions=str(folder / "captions.csv"))
    code, _, errors = project.run_command("BuildIndex", "--dataset", "demo")
    assert code == 0, errors
    return Collection.open("demo", project.data, project.configs)


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text)
def test_a_query_whose_words_are_in_no_caption_finds_a_right_video_among_the_first_three(collection, query):
    facts = {f"{one.name}.mp4": one for one in FACTS}
    found = [facts[hit.video_id] for hit in collection.search(query.text, k=3).hits]
    assert any(map(query.is_answer, found)), found
