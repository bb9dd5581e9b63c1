import pytest

from pipeline.errors import ConfigError
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights import cache
from tasks import EncodeLabels
from tasks.plan.label_words import LabelWordsPlan
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tests.tasks.labelled_project import THINGS, add_labels

SYNONYMS = ("red square", "crimson square")


def words_of(project, has_model=True):
    return LabelWordsPlan(load_plan(Paths().layout, "tiny").selection, has_model)


def report_recipe(project):
    with project.process():
        return load_plan(Paths().layout, "tiny").evaluate_recipe([0], "test")


def test_without_labels_there_are_none_and_no_recipe_says_a_word_of_them(project):
    before = report_recipe(project)
    project.edit("", "search", label_words__text="words_hashed", label_words__temperature=0.3)
    with project.process():
        words = words_of(project)
        assert not words.is_on
        assert words.recipe() == {}
        assert words.sources() is None
        assert words.lacks == ""
    assert fingerprint(report_recipe(project)) == fingerprint(before)


def test_where_no_encoder_is_named_there_are_none(project):
    add_labels(project, text="")
    with project.process():
        assert not words_of(project).is_on
        with pytest.raises(ConfigError, match="names no sentence encoder"):
            _ = words_of(project).text


def test_all_names_are_missing_before_they_are_encoded_each_once(project):
    add_labels(project)
    with project.process():
        missing = words_of(project).missing
        assert len(missing) == len(set(missing))
        assert set(missing) == {*THINGS, *SYNONYMS}
    project.run(EncodeLabels, dataset="tiny")
    with project.process():
        assert words_of(project).missing == []
        sources = words_of(project).sources()
        assert sources.vectors(["blue square"]).shape == (1, sources.dim)
    assert project.run(EncodeLabels, dataset="tiny") == []


def test_what_decides_the_scores_is_in_the_recipe(project):
    add_labels(project)

    def now(**change):
        if change:
            project.edit("", "search", **{f"label_words__{name}": value for name, value in change.items()})
        with project.process():
            return fingerprint(words_of(project).recipe())

    seen = [now(), now(temperature=0.07), now(pool="mean"), now(labels=2)]
    project.edit("experts", "things", labels__names=["red", *THINGS[1:]])
    seen.append(now())
    project.edit("text", "words_hashed", params__longest=4)
    seen.append(now())
    assert len(set(seen)) == len(seen)


def test_where_the_configs_lack_the_encoder_or_the_file_that_names_it_there_are_none(project):
    add_labels(project, text="gone")
    with project.process():
        words = words_of(project)
        assert not words.is_on
        assert words.lacks.endswith("text/gone.yaml, which search.yaml names, is not there")
    (project.configs / "search.yaml").unlink()
    with project.process():
        assert not words_of(project).is_on
        assert words_of(project).lacks == ""


def test_without_the_weights_of_the_encoder_there_are_none_and_a_note_says_so(project, monkeypatch):
    add_labels(project)
    monkeypatch.setattr(cache, "missing", lambda *_: ["a file"])
    with project.process():
        own = words_of(project)
        assert own.is_on, "the model has the same encoder, whose weights are fetched anyway"
        assert own.lacks == ""
        untrained = words_of(project, has_model=False)
        assert not untrained.is_on
        assert untrained.lacks.endswith(
            "luigi --module tasks FetchWeights --networks text/words_hashed fetches them, or says what to install"
        )
