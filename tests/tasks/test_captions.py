"""Descriptions of clips as an expert, end to end: found by their words, trained on, named by what they decide."""

import json

import pytest
import yaml

from search import Collection
from tasks import BuildIndex
from tests.extractors.captioning.stub_server import Stub, running
from tests.tasks.project import COLOURS, CONFIGS, SPLITS

UNDESCRIBED = 13
NAMES = ("zebra", "walrus", "badger", "heron")
"""What is seen with each colour; no frame shows it and no caption names it, so that descriptions alone tell of it."""


def described(number):
    return f"A {list(COLOURS)[number % 4]} thing stands there. It is a {NAMES[number % 4]} called n{number:02}."


def write_file(project, say=described):
    """A line for each video but one, at the place that the shipped YAML names."""
    (project.data / "weights" / "captions").mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"video": f"v{number:02}.mp4", "start_s": 0.25, "end_s": 1.0, "text": say(number)})
        for number in range(len(SPLITS))
        if number != UNDESCRIBED
    ]
    (project.data / "weights" / "captions" / "captions.jsonl").write_text("\n".join(lines), encoding="utf-8")


def opened(project):
    return Collection.open("tiny", project.data, project.configs)


@pytest.fixture
def with_file(project):
    """The tiny project, whose model has the shipped expert `captions_file` in place of speech."""
    project.copy_config("experts", "captions_file")
    write_file(project)
    project.edit("models", "tiny", experts=["rgb_light", "captions_file"], training__epochs=5)
    return project


@pytest.mark.slow
def test_what_a_file_says_of_videos_is_found_by_its_words_trained_on_and_named(with_file):
    ran = with_file.run(BuildIndex, dataset="tiny")
    assert ran == ["ExtractExpert captions_file", "TrainCE 0", "BuildIndex"], "the other expert is kept"
    collection = opened(with_file)

    first = collection.search("walrus n05").hits[0]
    assert first.video_id == "v05.mp4"
    assert "words" in first.found_by
    assert {(word.text, word.expert, word.start_s, word.end_s) for word in first.words} == {
        ("walrus", "captions_file", 0.25, 1.0),
        ("n05", "captions_file", 0.25, 1.0),
    }
    assert ("words", "captions_file") in {(moment.engine, moment.expert) for moment in first.moments}
    assert first.best_s == 0.25

    hits = {hit.video_id: hit for hit in collection.search("a red square", k=14).hits}
    assert hits["v00.mp4"].shares["captions_file"] is not None, "the network's score is told apart by expert"
    query = collection.experts.query("a red square")
    of_undescribed = collection.experts.videos.shares(query, UNDESCRIBED)
    assert of_undescribed["captions_file"] is None and of_undescribed["rgb_light"] is not None

    write_file(with_file, lambda number: f"{described(number)} Otters{number} sleep.")
    assert with_file.run(BuildIndex, dataset="tiny") == ran, "a changed file reruns this expert alone"
    assert opened(with_file).search("otters7").hits[0].video_id == "v07.mp4"


def test_what_is_said_decides_what_the_network_finds(with_file):
    """Nobody sees the colour here but the descriptions: with those of other videos the same network finds others."""
    with_file.edit("models", "tiny", experts=["captions_file"], training__epochs=30)
    with_file.run(BuildIndex, dataset="tiny")
    experts = opened(with_file).experts
    scores = experts.videos.scores(experts.query("a green square"))
    green = [number % 4 == 1 for number in range(len(SPLITS))]
    described_ones = [number for number in range(len(SPLITS)) if number != UNDESCRIBED]
    best = sorted(described_ones, key=lambda number: -scores[number])[:3]
    assert all(green[number] for number in best)


def test_a_changed_prompt_asks_the_server_again_and_reruns_this_expert_alone(project):
    with running(Stub(lambda asked: f"A gnu. {asked['messages'][0]['content'][-1]['text']}")) as stub:
        shipped = yaml.safe_load((CONFIGS / "experts" / "captions_server.yaml").read_text(encoding="utf-8"))
        small = {"clip_s": 1.0, "frames": 2, "short_px": 32}
        shipped["runtime"] |= {"server": stub.address, "timeout_s": 60}
        project.write_config("experts", "captions_server", shipped | {"params": shipped["params"] | small})
        project.edit("models", "tiny", experts=["rgb_light", "captions_server"])
        first = ["ExtractExpert captions_server", "TrainCE 0", "BuildIndex"]
        assert project.run(BuildIndex, dataset="tiny") == first
        asked = len(stub.requests)
        assert asked >= len(SPLITS) and project.run(BuildIndex, dataset="tiny") == []
        project.edit("experts", "captions_server", params__prompt="Name the quokka.")
        assert project.run(BuildIndex, dataset="tiny") == first
        assert len(stub.requests) == 2 * asked, "each clip once more"
    hit = opened(project).search("quokka").hits[0]
    assert {(word.text, word.expert) for word in hit.words} == {("quokka", "captions_server")}
