"""Whether one model is better than another on a dataset, or only looks so."""

import json
from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.errors import ConfigError
from pipeline.reports.report import read_report
from pipeline.stores import atomic, recipes
from pipeline.stores.fingerprint import Recipe, fingerprint
from tasks.console.terminal import print_table, say
from tasks.dataset_task import SEEDS, DatasetTask
from tasks.evaluation import EvaluateCE
from tasks.parameters import names_in
from tasks.plan.provenance import provenance
from tasks.plan.targets import FolderTarget

MODELS = "Two names of files in configs/models/, with a comma between; the second is compared with the first"
COMPARE_VERSION = 1
"""Raised by hand when the code of the test changes its results."""


class CompareRuns(DatasetTask):
    """Trains two models and tests, video by video, whether the second finds videos better than the first."""

    models = luigi.Parameter(description=MODELS)
    seeds = luigi.Parameter(default="", description=SEEDS)
    split = luigi.ChoiceParameter(choices=("train", "val", "test"), default="test", description="Split to compare on")

    def requires(self) -> Iterator[luigi.Task]:
        """The two reports."""
        return iter(self._evaluations())

    def output(self) -> FolderTarget:
        """Present when the comparison of exactly these reports is written."""
        recipe = self._recipe()
        plan = self._evaluations()[0].plan
        return FolderTarget(None if recipe is None else plan.result_folder("comparisons", recipe))

    def run(self) -> None:
        """Writes comparison.json."""
        from models.evaluation.compare import compare_reports

        folder = self.output().need()
        folders = [task.output().need() for task in self._evaluations()]
        means = [{name: value["mean"] for name, value in read_report(folder)["t2v"].items()} for folder in folders]
        body = compare_reports(*folders) | {"models": self._names(), "means": means}
        atomic.write_text(folder / "comparison.json", json.dumps(body, indent=1))
        recipes.write_recipe(folder, self._recipe() or {}, provenance())

    def closing(self) -> None:
        """Prints the table."""
        folder = self.output().need()
        body: dict[str, Any] = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
        rows = [
            (
                name,
                *(f"{means[name]:.1f}" for means in body["means"]),
                f"{found['mean']:+.1f}",
                f"{found['low']:+.1f} to {found['high']:+.1f}",
                f"{found['p']:.4f}",
            )
            for name, found in body["recalls"].items()
        ]
        title = (
            f"{self.dataset}, {self.split} split, t2v: {body['captions']} captions of {body['videos']} videos; "
            "p: how often exchanging the two at random, video by video, gives as much"
        )
        print_table(title, ["", *body["models"], "difference", "95 % interval", "p"], rows)
        say(f"Report: {folder / 'comparison.json'}")

    def _names(self) -> list[str]:
        names = names_in(self.models)
        if len(names) != 2:
            raise ConfigError(f"--models {self.models}: expected two names with a comma between, e.g. ce_light,mine")
        return names

    def _evaluations(self) -> list[EvaluateCE]:
        return [EvaluateCE(self.dataset, model, "", self.seeds, self.split, rankings=False) for model in self._names()]

    def _recipe(self) -> Recipe | None:
        reports = []
        for task in self._evaluations():
            recipe = task.plan.evaluate_recipe(task.plan.seeds(self.seeds), self.split)
            if recipe is None:
                return None
            reports.append(fingerprint(recipe))
        return {"stage": "compare", "version": COMPARE_VERSION, "reports": reports}
