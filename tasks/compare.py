"""Task that tests whether one model is better than another on a dataset."""

import json
from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.errors import ConfigError
from pipeline.reports.report import read_report
from pipeline.stores import atomic, places, recipes
from pipeline.stores.fingerprint import Recipe, fingerprint
from tasks.console.terminal import print_table, tell
from tasks.dataset_task import SEEDS_HELP, DatasetTask, remakes_damaged
from tasks.evaluation import EvaluateCE
from tasks.parameters import names_in, split_parameter
from tasks.plan.provenance import provenance
from tasks.plan.targets import FolderTarget

MODELS_HELP = "Two names of files in configs/models/, with a comma between; the second is compared with the first"
COMPARE_VERSION = 1
"""Raised by hand when the code of the test changes its results."""


class CompareRuns(DatasetTask):
    """Trains two models and tests, video by video, whether the second finds videos better than the first."""

    models = luigi.Parameter(description=MODELS_HELP)
    seeds = luigi.Parameter(default="", description=SEEDS_HELP)
    split = split_parameter("Split to compare on")

    def requires(self) -> Iterator[luigi.Task]:
        """The two reports."""
        return iter(self._evaluations())

    def output(self) -> FolderTarget:
        """Complete when the comparison of exactly these reports is written."""
        recipe = self._recipe()
        plan = self._evaluations()[0].plan
        return FolderTarget(None if recipe is None else plan.result_folder("comparisons", recipe), plan.store)

    @remakes_damaged
    def run(self) -> None:
        """Writes comparison.json."""
        from models.evaluation.compare import compare_reports

        folder = self.output().require()
        reports = [task.output().require() for task in self._evaluations()]
        means = [{name: value["mean"] for name, value in read_report(report)["t2v"].items()} for report in reports]
        body = compare_reports(*reports) | {"models": self._names(), "means": means}
        atomic.write_text(folder / "comparison.json", json.dumps(body, indent=1))
        recipes.write_recipe(folder, self._recipe() or {}, provenance(), ["comparison.json"])

    def print_result(self) -> None:
        """Prints the recalls of both models, their difference, and how likely chance gives as large a one."""
        path = places.fetched(self.output().require() / "comparison.json")
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            (
                name,
                *(f"{means[name]:.1f}" for means in body["means"]),
                _signed(difference["mean"]),
                f"{_signed(difference['low'])} to {_signed(difference['high'])}",
                f"{difference['p']:.4f}",
            )
            for name, difference in body["recalls"].items()
        ]
        title = (
            f"{self.dataset}, {self.split} split, t2v: {body['captions']} captions of {body['videos']} videos; "
            "p: how often exchanging the two at random, video by video, gives as much"
        )
        print_table(title, ["", *body["models"], "difference", "95 % interval", "p"], rows)
        tell(f"Report: {path}")

    def _names(self) -> list[str]:
        names = names_in(self.models)
        if len(names) != 2:
            raise ConfigError(f"--models {self.models}: expected two names with a comma between, e.g. ce_light,mine")
        return names

    def _evaluations(self) -> list[EvaluateCE]:
        return [EvaluateCE(self.dataset, model, "", self.seeds, self.split, rankings=False) for model in self._names()]

    def _recipe(self) -> Recipe | None:
        reports = [recipe for task in self._evaluations() if (recipe := task.recipe()) is not None]
        if len(reports) < 2:
            return None
        return {
            "stage": "compare",
            "version": COMPARE_VERSION,
            "models": self._names(),  # two YAMLs with other names may say the same
            "reports": [fingerprint(report) for report in reports],
        }


def _signed(points: float) -> str:
    """With its sign and one decimal; what rounds to nothing is +0.0."""
    return f"{round(points, 1) + 0.0:+.1f}"
