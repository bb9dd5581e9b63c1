import csv
import io
import json

import luigi
import pytest

from tasks import EvaluateCE, ResultsTable
from tasks.plan.settings import Paths
from tests.tasks.project import CONFIGS, Project


def test_reports_and_published_numbers_come_in_one_table(project: Project, capsys):
    with project.process():
        (project.configs / "published.yaml").write_bytes((CONFIGS / "published.yaml").read_bytes())
        assert luigi.build([ResultsTable()], local_scheduler=True, no_lock=True)
        path = Paths().layout.store / "results.csv"
    output = capsys.readouterr().out
    assert "tiny" in output
    assert "20.9 (1.2)" in output
    with path.open(newline="", encoding="utf-8") as file:
        rows = {(row["dataset"], row["model"]): row for row in csv.DictReader(file)}
    assert rows["tiny", "tiny"]["captions"] == "3"
    assert float(rows["tiny", "tiny"]["t2v R@1"]) == project.report()["t2v"]["R@1"]["mean"]


def typed(project: Project, **options) -> bool:
    with project.process():
        (project.configs / "published.yaml").write_bytes((CONFIGS / "published.yaml").read_bytes())
        return luigi.build([ResultsTable(**options)], local_scheduler=True, no_lock=True)


@pytest.mark.parametrize("form", ["markdown", "csv", "latex"])
def test_each_form_has_our_numbers_beside_the_published_ones(project: Project, capsys, tmp_path, form):
    assert typed(project, format=form)
    output = capsys.readouterr().out
    lines = [line for line in output.splitlines() if "tiny" in line or "PE-Core-G" in line]
    assert len(lines) == 2
    assert f"{project.report()['t2v']['R@1']['mean']:.1f}" in "".join(lines)
    assert "51.2" in "".join(lines)
    assert "Perception Encoder, table 6" in output
    assert typed(project, format=form, to=str(tmp_path / "results"))
    assert (tmp_path / "results").read_text(encoding="utf-8") == output
    if form == "csv":
        assert {len(row) for row in csv.reader(io.StringIO(output))} == {9 + 2 * 2 * 7}


def test_each_report_becomes_a_file_for_mteb_and_no_published_number_does(project: Project, capsys, tmp_path):
    project.run(EvaluateCE, dataset="tiny", trec=True)
    assert typed(project, format="mteb", to=str(tmp_path / "results"), languages="deu-Latn,eng-Latn")
    assert "1 reports" in capsys.readouterr().out
    (path,) = (tmp_path / "results").rglob("*.json")
    body = json.loads(path.read_text(encoding="utf-8"))
    (recipe,) = project.data.glob("store/runs/tiny/*/*/recipe.json")
    assert body["dataset_revision"] == json.loads(recipe.read_text())["recipe"]["manifest"]
    assert {score["hf_subset"] for score in body["scores"]["test"]} == {"t2v", "v2t"}
    assert body["scores"]["test"][0]["languages"] == ["deu-Latn", "eng-Latn"]


def test_files_for_mteb_need_a_folder(project: Project, caplog):
    assert not typed(project, format="mteb")
    assert "name a folder for them with --to" in caplog.text
