import json
from dataclasses import replace

import pytest

from pipeline.datasets import scan
from pipeline.errors import PipelineError
from pipeline.stores.fingerprint import Recipe, differences, fingerprint
from tasks import ExtractExpert
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tests.tasks.cut_off import cut_off


@pytest.fixture
def tiny(project):
    with project.process():
        yield load_plan(Paths().layout, "tiny")


def test_recipes_are_plain_and_chained(tiny):
    train, evaluate = tiny.train_recipe(0), tiny.evaluate_recipe((0,), "test")
    for recipe in (train, evaluate):
        assert json.loads(json.dumps(recipe)) == recipe
    assert train["manifest"] == tiny.inventory.manifest().fingerprint
    assert train["experts"] == {expert.name: fingerprint(expert.recipe) for expert in tiny.selection.experts}
    assert train["text"] == fingerprint(tiny.selection.text.recipe)
    assert evaluate["train"] == {"0": fingerprint(train)}
    assert "device" not in json.dumps(train)
    assert "batch_size" not in json.dumps({**train, "model": {}})


def test_results_lie_where_their_recipes_say(tiny, project):
    train = project.data / "store" / "runs" / "tiny" / "tiny" / fingerprint(tiny.train_recipe(0))
    assert tiny.train_folder(0) == train
    assert (train / "recipe.json").is_file()
    report = project.data / "store" / "reports" / "tiny" / "tiny" / fingerprint(tiny.evaluate_recipe((0,), "test"))
    assert tiny.evaluate_folder((0,), "test") == report
    assert (report / "report.html").is_file()


def test_every_result_keeps_its_recipe_and_where_it_was_made(project):
    # The page of rankings is part of a report, in a folder inside of it.
    marks = [mark for mark in project.data.glob("store/**/recipe.json") if mark.parent.name != "rankings"]
    assert len(marks) == 5, "two experts, one text encoder, one run, one report"
    for mark in marks:
        body = json.loads(mark.read_text(encoding="utf-8"))
        assert mark.parent.name == fingerprint(body["recipe"])
        assert {"made", "python", "system", "packages"} <= body["provenance"].keys()
        assert "numpy" in body["provenance"]["packages"]


def test_before_the_manifest_no_recipe_is_known(project):
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        tiny = load_plan(Paths().layout, "tiny")
        assert tiny.train_recipe(0) is tiny.train_folder(0) is tiny.evaluate_recipe((0,), "test") is None
        with pytest.raises(PipelineError, match="no manifest; run BuildManifest --dataset tiny"):
            tiny.sources()


@pytest.fixture
def warned(project, monkeypatch):
    """The same videos under other settings, under which the manifest has a warning."""
    build = scan.build
    monkeypatch.setattr(scan, "build", lambda *rest: replace(build(*rest), warnings=("one caption too many",)))
    project.edit("datasets", "tiny", allow_partial=True)
    with project.process():
        load_plan(Paths().layout, "tiny").inventory.build_manifest(1, 60.0, lambda done, total: None)


def recipes_of(project) -> tuple[Recipe, Recipe]:
    """The recipes of a training and of its report, as a new process sees them."""
    with project.process():
        plan = load_plan(Paths().layout, "tiny")
        return plan.train_recipe(0), plan.evaluate_recipe((0,), "test")


def test_the_modalities_that_a_report_shows_are_in_its_recipe(project):
    train, report = recipes_of(project)
    project.edit("experts", "rgb_light", modality="colour")
    train_after, report_after = recipes_of(project)
    assert train_after == train
    assert differences(report, report_after) == ["modalities.rgb_light: rgb -> colour"]


def test_the_notes_that_a_report_shows_are_in_its_recipe(project):
    def shown():
        with project.process():
            return load_plan(Paths().layout, "tiny", experts="rgb_light").shown()

    assert "notes" not in shown()
    cut_off(project, "cut.mp4")
    project.run(ExtractExpert, dataset="tiny", expert="rgb_light")
    assert len(shown()["notes"]) == 12


def test_the_warnings_that_a_report_shows_are_in_its_recipe_and_those_of_the_settings_as_they_are(project, request):
    train, report = recipes_of(project)
    request.getfixturevalue("warned")
    train_after, report_after = recipes_of(project)
    assert train_after == train
    assert differences(report, report_after) == ["warnings: (new) -> ['one caption too many']"]
    project.edit("datasets", "tiny", allow_partial=False)  # settings that are put back have their own again
    assert recipes_of(project) == (train, report)


def test_a_selector_is_in_the_recipe_of_the_report_and_not_in_that_of_the_training(project):
    train, report = recipes_of(project)
    project.edit("models", "tiny", selector=True)
    train_after, report_after = recipes_of(project)
    assert train_after == train
    assert differences(report, report_after) == ["selector: (new) -> 1"]
