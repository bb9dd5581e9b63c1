import dataclasses
import shutil

import pytest

from search import Collection, Options
from search.engines import text_encoders
from tests.search import small_collection


@pytest.fixture(scope="module")
def towered(tmp_path_factory) -> Collection:
    return towered_below(tmp_path_factory.mktemp("towered"))


def towered_below(root) -> Collection:
    """Signs as frames: the OCR expert's vectors are those of the hashed encoder, which stands for a text tower."""
    clips = [
        *small_collection.CLIPS,
        *(small_collection.Clip(f"plain{at}.mp4", sign={f"sign{at}": 0.0}) for at in range(20)),
    ]
    small_collection.make(
        root, clips, has_model=False, towers={"ocr_light": small_collection.CONFIGS / "text" / "words_hashed.yaml"}
    )
    return small_collection.opened(root)


def test_a_video_is_found_by_its_best_frame_without_any_training(towered):
    first = towered.search("lighthouses").hits[0]
    assert first.video_id == "harbour.mp4"
    assert first.found_by["frames"].rank == 1
    assert first.best_s == 4.0


def test_the_moments_of_a_video_are_the_frames_that_match(towered):
    hit = towered.search("lighthouses").hits[0]
    assert [(one.expert, one.start_s, one.end_s) for one in hit.moments if one.engine == "frames"] == [
        ("ocr_light", 4.0, hit.duration_s)
    ]


def test_only_videos_that_stand_out_are_found(towered):
    assert not towered.search("quantum chromodynamics").hits


def test_an_expert_of_weight_zero_finds_nothing(towered):
    assert not towered.search("lighthousekeeper", options=Options(weights={"ocr_light": 0.0})).hits


@pytest.fixture
def two_towers(tmp_path):
    """As `towered`, with another expert before: its text tower cannot be used, and its frames are in no order."""
    collection = towered_below(tmp_path)
    (first,) = collection.frames
    for suffix in ("npy", "npz"):
        frames = first.folder / "frames"
        shutil.copy(frames / f"ocr_light.{suffix}", frames / f"broken.{suffix}")
    facts = first.encoders.facts
    facts = dataclasses.replace(facts, towers={"broken": "broken", **facts.towers})
    encoders = dataclasses.replace(first.encoders, facts=facts)
    collection.frames = [dataclasses.replace(first, expert=name, encoders=encoders) for name in facts.towers]
    return collection


@pytest.mark.parametrize("error", [ImportError("libnothing.so"), RuntimeError("a\nbroken package"), KeyError("x")])
def test_an_expert_that_cannot_be_loaded_costs_only_itself(two_towers, monkeypatch, error):
    load = text_encoders.load
    monkeypatch.setattr(text_encoders, "load", lambda *rest: _load(load, error, *rest))
    answer = two_towers.search("lighthouses")
    assert answer.hits[0].video_id == "harbour.mp4"
    assert answer.hits[0].found_by["frames"].rank == 1
    (note,) = answer.notes
    assert note.startswith("broken takes no part: text encoder broken cannot be used (")
    assert "\n" not in note


def _load(load, error, folder, name, *rest):
    if name == "broken":
        raise error
    return load(folder, name, *rest)


def test_the_best_second_is_of_the_expert_that_found_the_video(two_towers, monkeypatch):
    monkeypatch.setattr(Collection, "_matches", lambda *_: {})
    first = two_towers.search("lighthouses").hits[0]  # the YAML of the first tower is missing
    assert first.best_s == 4.0
    assert list(first.found_by) == ["frames"]
