import json
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, PipelineError
from pipeline.fingerprint import fingerprint
from tasks.graph import Paths
from tasks.layout import Layout
from tasks.plan import Plan, plan


@pytest.fixture
def tiny(project):
    with project.process():
        yield plan(Paths().layout, "tiny")


def test_seeds_are_those_of_the_command_line_or_of_the_model(tiny):
    assert tiny.seeds("") == (0,)
    assert tiny.seeds("3,1") == (3, 1)
    assert tiny.seeds(" 3 , 1 ,") == (3, 1)
    for wrong in ("a", "1,b", "1.5", "1;2", "0,0", "1, 1"):
        with pytest.raises(ConfigError, match=f"--seeds {wrong}"):
            tiny.seeds(wrong)


def test_experts_are_sorted_and_each_counts_once(project):
    with project.process():
        layout = Paths().layout
        assert Plan(layout, "tiny").expert_names == ("rgb_light", "speech_light")
        assert Plan(layout, "tiny", experts=" speech_light,rgb_light, rgb_light,").expert_names == (
            "rgb_light",
            "speech_light",
        )


def test_unknown_names_are_told_with_the_nearest(project):
    with project.process():
        layout = Paths().layout
        with pytest.raises(ConfigError, match=r"no tinny\.yaml in .*did you mean 'tiny'"):
            Plan(layout, "tinny")
        with pytest.raises(ConfigError, match=r"did you mean 'tiny'"):
            Plan(layout, "tiny", "tinny").model  # noqa: B018
        with pytest.raises(ConfigError, match=r"did you mean 'rgb_light'"):
            Plan(layout, "tiny", experts="rgb_lite").experts  # noqa: B018


def test_recipes_are_plain_and_chained(tiny):
    train, evaluate = tiny.train_recipe(0), tiny.evaluate_recipe((0,), "test")
    for recipe in (train, evaluate):
        assert json.loads(json.dumps(recipe)) == recipe
    assert train["manifest"] == tiny.manifest().fingerprint
    assert train["experts"] == {expert.name: fingerprint(expert.recipe) for expert in tiny.experts}
    assert train["text"] == fingerprint(tiny.text.recipe)
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
    marks = list(project.data.glob("store/**/recipe.json"))
    assert len(marks) == 5, "two experts, one text encoder, one run, one report"
    for mark in marks:
        told = json.loads(mark.read_text(encoding="utf-8"))
        assert mark.parent.name == fingerprint(told["recipe"])
        assert {"made", "python", "system", "packages"} <= told["provenance"].keys()
        assert "numpy" in told["provenance"]["packages"]


def test_before_the_manifest_nothing_is_known(project):
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        tiny = plan(Paths().layout, "tiny")
        assert tiny.manifest() is None
        assert tiny.expert_state(tiny.experts[0]) is None
        assert tiny.missing_captions() is None
        assert tiny.files() == []
        assert tiny.wanted(["rgb_light"]) == []
        assert tiny.train_recipe(0) is tiny.train_folder(0) is tiny.evaluate_recipe((0,), "test") is None
        with pytest.raises(PipelineError, match="no manifest; run BuildManifest --dataset tiny"):
            tiny.sources()


def test_the_folder_is_looked_at_once_a_process(project):
    with project.process():
        tiny = plan(Paths().layout, "tiny")
        before = tiny.manifest()
        (project.videos / "new.mp4").write_bytes(b"x")
        assert tiny.manifest() == before, "frozen before the work starts"


def test_layouts_compare_by_value():
    one, other = Layout(Path("a"), Path("b")), Layout(Path("a"), Path("b"))
    assert one == other
    assert hash(one) == hash(other)
    assert one.store == Path("a/store")


def test_reports_say_what_each_expert_found(tiny):
    facts = tiny.report_facts()
    assert facts["dataset"] == facts["model"] == "tiny"
    assert facts["experts"]["rgb_light"] == {"modality": "rgb", "present": 14, "absent": 0, "failed": 0}
    assert facts["experts"]["speech_light"] == {"modality": "speech", "present": 5, "absent": 9, "failed": 0}
    assert facts["failures"] == []
