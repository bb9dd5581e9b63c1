import dataclasses

import numpy as np
import pytest

from pipeline.stores.parts import Reader
from search import Options, by_example
from search.config import SecondStage
from search.engines import late_interaction, text_encoders
from search.engines.fusion import Ranking
from search.engines.late_interaction import LateInteraction, find, refine
from search.engines.minus import SplitQuery
from search.engines.weighing import Weighing
from search.filters import UnknownNameError
from tests.search import small_collection
from tests.search.small_collection import Clip

LATE = "late_interaction"
TOWERS = {"ocr_light": small_collection.CONFIGS / "text" / "words_hashed.yaml"}
"""Each sign is a row of the expert, by the hashed vector of its word: the encoder of words stands for a text tower."""
CLIPS = [
    Clip("both.mp4", sign={"harbor": 0.0, "closed": 2.0}),
    Clip("one.mp4", sign={"harbor": 0.0, "open": 2.0}),
    Clip("many.mp4", sign={f"word{at}": 0.1 * at for at in range(40)} | {"harbor": 5.0}),
    Clip("other.mp4", sign={"nothing": 0.0}),
    Clip("blank.mp4", speech={"harbor": 1.0, "closed": 2.0}),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("late")
    small_collection.make(root, CLIPS, has_model=False, towers=TOWERS)
    return root


@pytest.fixture
def collection(root):
    return small_collection.opened(root)


def rows_of(collection, *names):
    return [collection.row(name) for name in names]


def test_an_index_keeps_at_most_32_vectors_of_a_video_and_scores_them_as_brute_force_does(collection):
    (late,) = collection.late
    tokens = late.query("harbor closed")
    assert tokens.shape == (2, small_collection.DIM)
    rows = list(range(len(CLIPS)))
    kept = [late._kept[row].astype(np.float64) for row in rows]
    assert sorted(map(len, kept)) == [0, 1, 2, 2, 32]
    assert late._kept.vectors.dtype == np.float16
    expected = [np.mean([max((token @ vector for vector in of), default=-1) for token in tokens]) for of in kept]
    np.testing.assert_allclose(late.scores(tokens, rows), expected, atol=1e-5)


def test_the_vectors_of_a_short_video_are_its_rows(collection, root):
    (late,) = collection.late
    row = collection.row("both.mp4")
    rows = Reader(root / "store" / "features" / "ocr_light").values(["both.mp4"], small_collection.DIM).values
    kept = late._kept[row]
    np.testing.assert_allclose(kept, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-3)


def test_the_best_are_put_in_order_by_the_tokens_of_the_query(collection):
    (late,) = collection.late
    rows = rows_of(collection, "other.mp4", "one.mp4", "both.mp4", "blank.mp4")
    found = find([late], SplitQuery("harbor closed"), rows, [])
    assert list(found.scores) == rows_of(collection, "both.mp4", "one.mp4", "other.mp4"), "blank has no sign"
    assert found.scores[rows[2]] == pytest.approx(1, abs=1e-3)


def test_what_is_not_wanted_is_taken_from_each_token(collection):
    (late,) = collection.late
    (wanted,), (unwanted,) = late.query("harbor"), late.query("closed")  # each a single token
    expected = wanted - 0.5 * unwanted
    np.testing.assert_allclose(late.query("harbor", ["closed"])[0], expected / np.linalg.norm(expected), atol=1e-6)


def test_candidates_are_put_in_another_order_and_nobody_else_comes_before_them(collection):
    """By the formula of the fusion: 1 / (60 + rank) by the first stage, and as much by the tokens."""
    late, rows = collection.late, rows_of(collection, "other.mp4", "one.mp4", "both.mp4", "many.mp4")
    scores = {row: 4.0 - at for at, row in enumerate(rows)}
    fusion = dataclasses.replace(collection.settings.fusion, weights={"frames": 0.1, LATE: 1.0})
    first, notes = Weighing(fusion, False), list[str]()
    rankings, second = refine(late, SplitQuery("harbor closed"), {"frames": Ranking(scores)}, first, 3, notes)
    assert list(rankings[LATE].scores) == [rows[2], rows[1], rows[0]], "the fourth is no candidate"
    assert (second.fusion.weights, second.is_by_query, notes) == ({"frames": 0.1, LATE: 1.0}, False, [])
    assert refine([], SplitQuery("x"), {"frames": Ranking(scores)}, first, 3, notes)[1] is first


def test_an_answer_says_how_much_the_tokens_count_and_who_asks_for_none_has_none(collection):
    without = collection.search("harbor closed", options=Options(second_stage="none"))
    assert without.hits and all(LATE not in hit.found_by for hit in without)
    assert collection.search("harbor closed").engine_weights == without.engine_weights, "as search.yaml says"
    told = collection.search("harbor closed", options=Options(second_stage=LATE))
    assert told.engine_weights == {**without.engine_weights, LATE: 1.0}
    assert {hit.video_id: hit.found_by[LATE].rank for hit in told if LATE in hit.found_by}["both.mp4"] == 1
    assert {hit.video_id for hit in told} == {hit.video_id for hit in without}
    assert told.num_found == without.num_found
    first = {hit.video_id: (hit.best_s, hit.moments) for hit in without}
    assert {hit.video_id: (hit.best_s, hit.moments) for hit in told} == first


def test_search_yaml_may_ask_for_it_and_a_weight_of_0_leaves_an_expert_out(collection):
    collection.settings = dataclasses.replace(collection.settings, second_stage=SecondStage(LATE, 2))
    answer = collection.search("harbor closed")
    assert sum(LATE in hit.found_by for hit in answer) <= 2
    assert LATE in answer.engine_weights
    left_out = collection.search("harbor closed", options=Options(weights={"ocr_light": 0.0}))
    assert LATE not in left_out.engine_weights


def test_a_tower_that_cannot_be_loaded_is_told_once_and_the_first_stage_stays(collection, monkeypatch):
    monkeypatch.setattr(text_encoders, "load", _broken)
    text_encoders._encoded.cache_clear()
    answer = collection.search("harbor closed", options=Options(second_stage=LATE))
    assert answer.hits
    assert LATE not in answer.engine_weights
    (note,) = answer.notes
    assert note.startswith("ocr_light takes no part: ")


def _broken(*_):
    raise ImportError("libnothing.so")


def test_of_two_modalities_a_video_counts_by_that_in_which_it_stands_out(collection):
    """The second hears in the videos, in another order, what the first sees."""
    (late,) = collection.late
    facts = late.encoders.facts
    facts = dataclasses.replace(
        facts, towers=facts.towers | {"heard": "words_hashed"}, modalities=facts.modalities | {"heard": "audio"}
    )
    other = Turned(late.folder, "heard", dataclasses.replace(late.encoders, facts=facts))
    rows = rows_of(collection, "both.mp4", "one.mp4", "other.mp4")
    found = find([late, other], SplitQuery("harbor closed"), rows, [])
    scores = late.scores(late.query("harbor closed"), rows)
    deviations = (scores - scores.mean()) / scores.std()
    expected = np.maximum(deviations, deviations[::-1])
    np.testing.assert_allclose([found.scores[row] for row in rows], expected, atol=1e-5)


class Turned(LateInteraction):
    def scores(self, tokens, rows):
        return super().scores(tokens, rows[::-1])

    @property
    def _kept(self):
        return late_interaction._kept(self.folder, "ocr_light")


def test_a_collection_without_text_towers_refuses_to_be_asked_so(tmp_path):
    small_collection.make(tmp_path, CLIPS[:2], has_model=False)
    plain = small_collection.opened(tmp_path)
    with pytest.raises(UnknownNameError, match="'late_interaction' is not a second stage of"):
        plain.search("harbor", options=Options(second_stage=LATE))
    plain.settings = dataclasses.replace(plain.settings, second_stage=SecondStage(LATE))
    assert LATE not in plain.search("harbor").engine_weights


def test_without_a_text_there_are_no_tokens_to_put_the_best_in_order_by(collection):
    of_video = Options(second_stage=LATE)
    with pytest.raises(UnknownNameError, match="'late_interaction' puts in order what a text finds"):
        collection.similar("both.mp4", options=of_video)
    example = collection.examples.moment(collection.row("both.mp4"), 0.0, "both")
    with pytest.raises(UnknownNameError, match="'late_interaction' puts in order what a text finds"):
        by_example.find(collection, example, of_video)
    assert by_example.find(collection, example, Options(second_stage="none")).num_found >= 0
