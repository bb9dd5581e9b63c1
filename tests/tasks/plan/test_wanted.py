import pytest

from extractors.base import Plugin
from tasks import EncodeText, EvaluateCE
from tasks.plan.settings import Paths
from tasks.plan.wanted import Judge
from tests.tasks.aligned_project import add_aligned
from tests.tasks.labelled_project import add_labels


@pytest.fixture
def judged(project):
    def judge(pattern):
        with project.process():
            judge = Judge(Paths().layout)
            return [judge.is_wanted(path) for path in project.data.glob(f"store/{pattern}")], judge.notes

    return judge


@pytest.mark.parametrize("pattern", ["features/*/*", "text/*/*", "manifests/*/*/", "runs/*/*/*", "reports/*/*/*"])
def test_what_is_made_from_what_is_there_is_wanted(judged, pattern):
    wanted, notes = judged(pattern)
    assert wanted
    assert all(wanted)
    assert notes == []


def test_a_run_of_another_expert_or_seed_is_judged_by_its_own_recipe(project, judged):
    project.edit("models", "tiny", experts=["speech_light"], training__seeds=[5])
    assert judged("runs/*/*/*")[0] == [True], "both can be typed"
    project.edit("models", "tiny", training__epochs=3)
    assert judged("runs/*/*/*")[0] == [False]


def test_the_tokens_of_a_text_tower_are_wanted_as_long_as_the_tower_is_there(project, judged):
    add_aligned(project)
    project.edit("models", "tiny", late_interaction=True)
    project.run(EncodeText, dataset="tiny", text="tints.tokens")
    pattern = "text/tints.tokens/*"
    assert judged(pattern) == ([True], [])
    (project.configs / "text" / "tints.yaml").unlink()
    assert judged(pattern)[0] == [False]


def test_a_damaged_recipe_is_kept_and_said(project, judged):
    (path,) = project.data.glob("store/reports/*/*/*/recipe.json")
    path.write_text("")
    wanted, notes = judged("reports/*/*/*")
    assert wanted == [True]
    assert "1 kept: " in notes[0]


def test_what_names_weights_of_unknown_content_is_kept_and_said(project, judged, monkeypatch):
    project.edit("experts", "rgb_light", params__fps=3.0)
    patterns = ("features/rgb_light/*", "runs/*/*/*", "reports/*/*/*")
    assert [judged(pattern)[0] for pattern in patterns] == [[False]] * 3
    monkeypatch.setattr(Plugin, "unknown_parts", lambda self: ["network"])
    for pattern in patterns:
        wanted, notes = judged(pattern)
        assert wanted == [True]
        assert "unknown" in notes[0]


def test_a_report_whose_label_words_would_be_scored_otherwise_is_unwanted(project, judged):
    add_labels(project)
    project.run(EvaluateCE, dataset="tiny", rankings=False)
    assert judged("reports/*/*/*")[0] == [True, True], "one of before, without labels"
    project.edit("", "search", label_words__power=0.7)
    assert sorted(judged("reports/*/*/*")[0]) == [False, True]
