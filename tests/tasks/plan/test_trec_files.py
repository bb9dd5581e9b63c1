import json

from tasks import EvaluateCE
from tasks.plan import trec_files
from tasks.plan.plan import load_plan
from tasks.plan.settings import Paths
from tasks.plan.trec_files import TrecFiles
from tests.tasks.project import Project


def test_the_files_of_another_version_are_made_anew_and_the_report_stays(project: Project, monkeypatch):
    project.run(EvaluateCE, dataset="tiny", trec=True)
    (folder,) = project.data.glob("store/reports/tiny/*/*/trec")
    report = (folder.parent / "report.json").stat().st_mtime_ns
    monkeypatch.setattr(trec_files, "TREC_VERSION", 99)
    assert project.run(EvaluateCE, dataset="tiny") == []
    assert project.run(EvaluateCE, dataset="tiny", trec=True) == ["EvaluateCE test"]
    assert json.loads((folder / "recipe.json").read_text())["recipe"]["version"] == 99
    assert (folder.parent / "report.json").stat().st_mtime_ns == report


def test_without_its_inputs_it_is_not_there(project: Project):
    (project.videos / "new.mp4").write_bytes(b"x")
    with project.process():
        files = TrecFiles(load_plan(Paths().layout, "tiny"), (0,), "test")
        assert files.recipe == {}
        assert not files.target.exists()
