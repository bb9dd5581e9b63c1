import pytest

from pipeline.stores.fingerprint import fingerprint
from pipeline.weights import cache
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tests.tasks.aligned_project import add_aligned


@pytest.fixture
def plan(project):
    add_aligned(project)
    with project.process():
        yield load_plan(Paths().layout, "tiny")


def test_an_expert_and_its_tower_are_found_and_named_by_recipe(plan, project):
    (tower,) = plan.towers.sources().values()
    text = plan.selection.text_encoder("tints")
    assert (tower.name, tower.dim) == ("tints", 3)
    assert tower.store == project.data / "store" / "text" / "tints" / fingerprint(text.recipe)
    assert plan.towers.recipe() == {"towers": {"tints": fingerprint(text.recipe)}}
    assert plan.towers.lacks == []
    assert [text.name for text in plan.texts] == ["words_hashed", "tints"]


def test_without_the_weights_of_a_tower_there_is_no_row_and_a_note_says_so(plan, monkeypatch):
    monkeypatch.setattr(cache, "missing", lambda *_: ["a file"])
    assert plan.towers.texts == {}
    assert plan.towers.recipe() == {}
    (note,) = plan.towers.lacks
    assert note.startswith("no row of tint without training: the weights of text encoder tints are not here; ")
    assert note.endswith("FetchWeights --networks text/tints fetches them, or says what to install")


def test_a_tower_that_the_model_reads_captions_by_is_fetched_for_it_anyway(project, monkeypatch):
    add_aligned(project)
    project.edit("models", "tiny", text="tints", text_pool={"clusters": 0, "ghost_clusters": 0, "max_tokens": 1})
    monkeypatch.setattr(cache, "missing", lambda *_: ["a file"])
    with project.process():
        assert list(load_plan(Paths().layout, "tiny").towers.texts) == ["tint"]


def test_the_tokens_of_a_tower_are_encoded_where_the_report_has_late_interaction(plan, project):
    assert plan.towers.token_sources() == plan.towers.late_recipe() == {}
    project.edit("models", "tiny", late_interaction=True)
    with project.process():
        asked = load_plan(Paths().layout, "tiny")
        (tokens,) = asked.towers.token_sources().values()
        text = asked.selection.text_encoder("tints.tokens")
        assert tokens.store == project.data / "store" / "text" / "tints.tokens" / fingerprint(text.recipe)
        assert asked.towers.late_recipe() == {
            "late_interaction": {"version": 1, "tokens": {"tints.tokens": fingerprint(text.recipe)}}
        }
        assert [text.name for text in asked.texts] == ["words_hashed", "tints", "tints.tokens"]


def test_a_tower_that_has_one_vector_for_a_text_is_read_where_it_is(project, monkeypatch):
    add_aligned(project)
    project.edit("models", "tiny", late_interaction=True)
    with project.process():
        plan = load_plan(Paths().layout, "tiny")
        monkeypatch.setattr(type(plan.towers.texts["tint"].encoder), "token_version", 0)
        assert plan.towers.token_sources() == plan.towers.sources()
