import dataclasses
from unittest.mock import Mock

import numpy as np
import pytest

from extractors import registry
from extractors.extraction import captions
from models.zero_shot import label_words as scoring
from models.zero_shot.settings import LabelWords, synonyms
from models.zero_shot.stored import Classes, LabelSources
from pipeline.datasets.annotations import Caption
from pipeline.errors import PipelineError
from pipeline.stores import parts
from pipeline.stores.fingerprint import fingerprint
from pipeline.stores.parts import Features, Reader
from pipeline.stores.store import Row
from pipeline.weights.files import WeightOptions
from search.config import load
from search.engines import label_words, text_encoders
from search.engines.label_words import Classifier, LabelSearch
from search.engines.minus import SplitQuery
from search.engines.text_encoders import TextEncoders
from search.index.folder import Facts
from tests.search import small_collection
from tests.search.small_collection import CLASSES, CONFIGS

THINGS = Classes(("brown bear, bruin", "barbell", "keyboard"), ("brown bear: large", "barbell: heavy", "keyboard"), 2)
SOUNDS = Classes(("growl", "typing"), ("growl", "typing"), 2)
SEEN = {
    "things": {
        "bear": [[(0, 0.9), (1, 0.05)], [(0, 0.7), (2, 0.2)]],
        "gym": [[(1, 0.2), (2, 0.1)], [(2, 0.02), (0, 0.01)], [(1, 0.8), (0, 0.1)]],
        "office": [[(2, 0.6), (1, 0.3)]],
        "empty": [],
    },
    "sounds": {"bear": [[(0, 0.8), (1, 0.1)]], "gym": [], "office": [[(1, 0.7), (0, 0.1)]], "empty": []},
}
"""Expert -> video -> for each frame the classes with their probabilities."""
VIDEOS = list(SEEN["things"])
SETTINGS = LabelWords("words_hashed", temperature=0.1)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    root = tmp_path_factory.mktemp("stores")
    named = registry.text("words_hashed", CONFIGS / "text")
    classes = {"things": THINGS, "sounds": SOUNDS}
    texts = [text for one in classes.values() for text in one.descriptions]
    texts += [text for one in classes.values() for name in one.names for text in synonyms(name)]
    captions.encode(named, list(dict.fromkeys(texts)), root / "text", "cpu")
    for expert, of_videos in SEEN.items():
        publish(root / expert, of_videos)
    return root, LabelSources(SETTINGS, classes, root / "text", named.encoder.dim)


def publish(folder, of_videos):
    features = []
    for frames in of_videos.values():
        top = np.array(frames, np.float64).reshape(len(frames), 2, 2)
        seconds = 2.0 * np.arange(len(frames))
        extras = {"labels": top[..., 0].astype(np.int16), "label_scores": top[..., 1].astype(np.float32)}
        times_s = np.stack([seconds, seconds + 2], 1)
        features.append(Features(np.zeros((len(frames), 4), np.float32), times_s, extras))
    rows = [Row(key, len(item.values)) for key, item in zip(of_videos, features, strict=True)]
    parts.publish(folder, rows, features, 4)


@pytest.fixture
def search(sources, tmp_path, monkeypatch):
    """The label words of an index; it was written one video at a time."""
    root, labels = sources
    monkeypatch.setattr(label_words, "BLOCK_VIDEOS", 1)
    for expert in labels.classifiers:
        label_words.save(tmp_path, expert, labels, Reader(root / expert), VIDEOS)
    (tmp_path / "text").symlink_to(CONFIGS / "text")
    recipe = registry.text("words_hashed", CONFIGS / "text").recipe
    facts = Facts("x", {}, 4, 1.0, {}, (), sentences="words_hashed", encoders={"words_hashed": fingerprint(recipe)})
    encoders = TextEncoders(tmp_path, facts, WeightOptions(tmp_path))
    classifiers = [Classifier(tmp_path, expert) for expert in labels.classifiers]
    return LabelSearch(classifiers, encoders, SETTINGS, load(CONFIGS).floors)


def find(search, text, allowed=None, factors=None, notes=None):
    mask = np.array([name in (allowed or VIDEOS) for name in VIDEOS])
    return search.find(SplitQuery(text), mask, factors or {}, [] if notes is None else notes)


def names(found):
    return [VIDEOS[row] for row in found.ranking.scores]


@pytest.mark.parametrize(
    ("text", "first", "second_s"), [("a bruin", "bear", 0.0), ("a barbell", "gym", 4.0), ("typing", "office", 0.0)]
)
def test_what_a_query_names_is_found_with_the_frame_where_it_is_seen_or_heard_best(search, text, first, second_s):
    found = find(search, text)
    assert names(found)[0] == first
    assert found.best_second(VIDEOS.index(first)) == second_s


def test_the_moments_of_a_video_are_where_its_labels_match_and_say_which(search):
    gym = VIDEOS.index("gym")
    found = find(search, "a barbell").moments_of(gym, 6.0)
    assert [(expert, label, one.start_s, one.end_s) for expert, label, one in found if one.start_s == 4.0]
    assert find(search, "typing").moments_of(VIDEOS.index("empty"), 6.0) == []


def test_scores_are_those_of_the_formula(sources, search):
    _, labels = sources
    vectors = [labels.labels(expert) for expert in labels.classifiers]
    query = scoring.sentence_vectors(parts.read(labels.text_store, [Caption("barbell").key], labels.dim))
    tops = [classifier.top for classifier in search.classifiers]
    expected = scoring.scores(query, vectors, tops, SETTINGS)[0]
    for row, score in find(search, "barbell").ranking.scores.items():
        assert score == pytest.approx(float(expected[row]), rel=1e-5)


def test_a_hit_says_which_labels_it_was_found_for_the_most_important_first(search):
    seen = find(search, "a growling bruin bear").seen(VIDEOS.index("bear"))
    assert (seen[0].label, seen[0].expert, seen[0].start_s) == ("brown bear, bruin", "things", 0.0)
    assert seen[0].score == pytest.approx(0.9)
    assert len(seen) <= label_words.MOST_SEEN
    assert find(search, "typing").seen(VIDEOS.index("empty")) == ()
    assert find(search, "typing").best_second(VIDEOS.index("empty")) == 0.0


def test_the_sound_gives_the_second_where_it_says_more_than_the_picture(search):
    seen = find(search, "typing").seen(VIDEOS.index("office"))
    assert (seen[0].label, seen[0].expert) == ("typing", "sounds")


def test_videos_that_a_filter_leaves_out_are_not_found(search):
    assert "bear" not in names(find(search, "keyboard bear", ["gym", "office"]))


def with_floors(search, **floors):
    plain = {"label_words": 0.0, "label_words_of_near": 0.0, "label_words_keep": 0.0}
    return dataclasses.replace(search, floors=dataclasses.replace(search.floors, **(plain | floors)))


def test_nothing_below_the_floor_is_found_and_where_a_label_says_what_the_query_says_the_other_floor_holds(search):
    near, far = "a barbell", "xylophone solo"
    assert len(names(find(with_floors(search), near))) == len(VIDEOS)
    assert find(with_floors(search, label_words=1.1), near)
    assert find(with_floors(search, label_words_of_near=1.1), near) is None
    assert find(with_floors(search, label_words=1.1), far) is None
    assert find(with_floors(search, label_words_of_near=1.1), far)
    assert find(with_floors(search, label_words=1.1, label_words_near=2.0), near) is None


def test_hits_far_below_the_best_one_are_left_out(search):
    assert names(find(with_floors(search, label_words_keep=0.99), "a barbell")) == ["gym"]


def test_a_hit_counts_in_the_fusion_by_its_share_of_the_best_score(search):
    ranking = find(with_floors(search), "a barbell").ranking
    best = max(ranking.scores.values())
    assert ranking.coverage == pytest.approx({row: score / best for row, score in ranking.scores.items()})


def test_an_expert_of_weight_zero_takes_no_part_and_a_heavier_one_counts_for_more(search):
    of_sounds = find(search, "typing", factors={"things": 0.0})
    assert names(of_sounds)[0] == "office"
    assert {seen.expert for seen in of_sounds.seen(VIDEOS.index("office"))} == {"sounds"}
    found, heavier = find(search, "a bruin"), find(search, "a bruin", factors={"things": 2.0, "sounds": 2.0})
    (row, score), *_ = found.ranking.scores.items()
    assert heavier.ranking.scores[row] == pytest.approx(2 * score, rel=1e-5)
    assert find(search, "typing", factors={"things": 0.0, "sounds": 0.0}) is None


def test_a_sentence_encoder_that_cannot_be_loaded_is_one_note_and_no_hit(search, monkeypatch):
    monkeypatch.setattr(text_encoders, "load", Mock(side_effect=PipelineError("no weights")))
    notes = []
    assert find(search, "a bruin", notes=notes) is None
    assert notes == ["Label words take no part: no weights"]


@pytest.fixture
def collection(tmp_path):
    """The small collection without a model, whose classifier's labels are compared with queries too."""
    named = registry.text("words_hashed", CONFIGS / "text")
    classes = Classes(CLASSES, CLASSES, len(CLASSES))
    texts = [*CLASSES, *(text for name in CLASSES for text in synonyms(name))]
    captions.encode(named, list(dict.fromkeys(texts)), tmp_path / "sentences", "cpu")
    small_collection.make(
        tmp_path,
        has_model=False,
        label_words=LabelSources(SETTINGS, {"rgb_light": classes}, tmp_path / "sentences", named.encoder.dim),
        sentence_config=CONFIGS / "text" / "words_hashed.yaml",
        encoders={"words_hashed": fingerprint(named.recipe)},
    )
    return small_collection.opened(tmp_path)


def test_a_collection_finds_by_label_words_and_tells_each_label_once(collection):
    (first, *_) = collection.search("zebras").hits
    assert first.video_id == "meadow.mp4"
    assert {"labels", "label_words"} <= set(first.found_by)
    assert [(seen.label, seen.start_s) for seen in first.seen] == [("zebra", 2.0)]


def test_what_no_label_says_in_these_words_is_found_by_the_likeness_of_the_words(collection):
    (first, *_) = collection.search("zebralike").hits  # part of a word: the full text does not have it
    assert (first.video_id, first.best_s) == ("meadow.mp4", 2.0)
    assert list(first.found_by) == ["label_words"]


def test_where_the_sentence_encoder_cannot_be_loaded_the_other_engines_answer(collection, monkeypatch):
    monkeypatch.setattr(text_encoders, "load", Mock(side_effect=PipelineError("no weights")))
    answer = collection.search("a zebra at the lighthouse")
    assert {hit.video_id for hit in answer} >= {"meadow.mp4", "harbour.mp4"}
    assert answer.notes == ("Label words take no part: no weights",)
    assert collection.search("quantum chromodynamics").reason == "Nothing in this collection is a good match."
