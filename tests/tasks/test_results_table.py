import csv

import luigi

from tasks import ResultsTable
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
