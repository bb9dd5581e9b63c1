"""The queries that a run on the demo names, searched for among all of its videos."""

import pytest

from pipeline.datasets.annotations import load_dataset
from pipeline.demo.make import all_facts
from pipeline.demo.queries import QUERIES
from search import Collection
from tests.extractors.packaged import packaged_expert, packaged_text
from tests.tasks.project import Project


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """The demo's collection, of the two experts that the queries need and one seed; and its configs."""
    packaged_expert("rgb_lite")  # skips where its package is not installed
    packaged_text("sentence_minilm")
    project = Project(tmp_path_factory.mktemp("demo"))
    shipped = {
        "experts": ["rgb_lite", "speech_light"],
        "text": ["sentence_minilm"],
        "models": ["ce_packaged"],
        "datasets": ["demo"],
    }
    for kind, names in shipped.items():
        for name in names:
            project.copy_config(kind, name)
    project.edit("models", "ce_packaged", experts=shipped["experts"], training__seeds=[0])
    folder = project.data / "raw" / "demo"
    project.edit("datasets", "demo", videos=str(folder / "videos"), captions=str(folder / "captions.csv"))
    code, _, errors = project.run_command("BuildIndex", "--dataset", "demo")
    assert code == 0, errors
    return Collection.open("demo", project.data, project.configs), project.configs


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text)
def test_a_query_whose_words_are_in_no_caption_finds_a_right_video_among_the_first_three(collection, query):
    opened, configs = collection
    settings = load_dataset("demo", configs / "datasets").demo
    facts = {f"{one.name}.mp4": one for one in all_facts(settings)}
    found = [facts[hit.video_id] for hit in opened.search(query.text, k=3).hits]
    assert any(map(query.is_answer, found)), found
