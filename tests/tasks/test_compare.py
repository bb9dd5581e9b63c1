import json

import pytest

from pipeline.errors import ConfigError
from tasks import CompareRuns
from tests.tasks.project import MODEL, Project


def test_two_models_are_trained_and_compared_and_a_second_time_nothing_runs(project: Project, capsys):
    project.write_config("models", "other", MODEL | {"training": MODEL["training"] | {"epochs": 1}})
    ran = project.run(CompareRuns, dataset="tiny", models="tiny,other")
    assert ran == ["TrainCE 0", "EvaluateCE test", "CompareRuns test"], "the first one was trained before"
    (path,) = project.data.glob("store/comparisons/tiny/tiny/*/comparison.json")
    body = json.loads(path.read_text(encoding="utf-8"))
    assert body["models"] == ["tiny", "other"]
    assert (body["captions"], body["videos"]) == (3, 3)
    for name, row in body["recalls"].items():
        assert row["mean"] == pytest.approx(body["means"][1][name] - body["means"][0][name])
    assert project.run(CompareRuns, dataset="tiny", models="tiny,other") == []


def test_a_comparison_needs_two_models(project: Project):
    with project.process(), pytest.raises(ConfigError, match="expected two names with a comma between"):
        CompareRuns(dataset="tiny", models="tiny").output()
