import dataclasses
import shutil

import pytest

from search import Collection, Options
from search.engines import text_encoders
from search.engines.frames import Frames
from search.engines.peaks import Peak
from tests.search import small_collection

OTHER = 17
"""Where another video stands, from the end."""


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


def test_of_two_modalities_each_finds_what_stands_out_in_it_and_says_when(towered, monkeypatch):
    """The second stands for sound, in which another video is what the harbour is for the first."""
    (first,) = towered.frames
    facts = first.encoders.facts
    turned = Turned(first.folder, "heard", dataclasses.replace(first.encoders, facts=_also_heard(facts)))
    monkeypatch.setattr(towered, "frames", [first, turned])
    monkeypatch.setattr(Collection, "_matches", lambda *_: {})
    found = towered.search("lighthouses").hits
    other = towered.videos[len(towered.videos) - OTHER].video_id
    assert {hit.video_id: hit.best_s for hit in found[:2]} == {"harbour.mp4": 4.0, other: 9.0}
    assert [[one.expert for one in hit.moments if one.engine == "frames"] for hit in found[:2]] in (
        [["ocr_light"], ["heard"]],
        [["heard"], ["ocr_light"]],
    )


def test_of_one_modality_the_first_alone_is_asked(towered, monkeypatch):
    (first,) = towered.frames
    encoders = dataclasses.replace(first.encoders, facts=_also_heard(first.encoders.facts, "ocr"))
    monkeypatch.setattr(towered, "frames", [first, Turned(first.folder, "heard", encoders)])
    monkeypatch.setattr(Collection, "_matches", lambda *_: {})
    found = towered.search("lighthouses").hits
    assert [hit.video_id for hit in found[:1]] == ["harbour.mp4"]
    assert all(one.expert == "ocr_light" for hit in found for one in hit.moments if one.engine == "frames")


def _also_heard(facts, modality="audio"):
    """The facts of an index with one more expert, with the tower of the first."""
    return dataclasses.replace(
        facts,
        towers={**facts.towers, "heard": next(iter(facts.towers.values()))},
        modalities={**facts.modalities, "heard": modality},
    )


class Turned(Frames):
    """Another expert: of one video it knows what the first knows of the harbour, and the other way round."""

    def scores(self, query):
        scores = Frames(self.folder, "ocr_light", self.encoders).scores(query)
        harbour, other = int(scores.argmax()), len(scores) - OTHER
        scores[[harbour, other]] = scores[[other, harbour]]
        return scores

    def best_second(self, query, row):
        return 9.0

    def moments_of(self, query, row, duration_s):
        return [Peak(9.0, 10.0, 0, 1.0)]
