"""Evaluation: the report on all seeds of a model, and the page of rankings beside it."""

from collections.abc import Iterator

import luigi

from pipeline.stores import recipes
from tasks.dataset_task import SEEDS, ModelTask
from tasks.plan.provenance import provenance
from tasks.plan.rankings_page import RankingsPage
from tasks.plan.targets import FolderTarget
from tasks.training import TrainCE


class EvaluateCE(ModelTask):
    """Trains with each seed and reports how well captions find their videos, and videos their captions."""

    seeds = luigi.Parameter(default="", description=SEEDS)
    split = luigi.ChoiceParameter(choices=("train", "val", "test"), default="test", description="Split to report on")
    rankings = luigi.BoolParameter(
        default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING, description="Whether to make rankings.html as well"
    )

    def requires(self) -> Iterator[luigi.Task]:
        """A trained model for each seed."""
        for seed in self.plan.seeds(self.seeds):
            yield TrainCE(self.dataset, self.model, self.experts, seed)

    def output(self) -> FolderTarget:
        """Present when the report on exactly these runs is written."""
        return FolderTarget(self.plan.evaluate_folder(self.plan.seeds(self.seeds), self.split))

    def complete(self) -> bool:
        """Whether the report is there and, where it is wanted, the page of rankings beside it."""
        return self.output().exists() and (not self.rankings or self._page.target.exists())

    def run(self) -> None:
        """Writes report.json, report.html and ranks.csv, then rankings.html; a killed run goes on where it stopped."""
        if not self.output().exists():
            self._report()
        if self.rankings and not self._page.target.exists():
            self._page.write()

    def _report(self) -> None:
        from models.stages import evaluate_seeds
        from pipeline.reports.report import write_report

        folder = self.output().need()
        seeds = self.plan.seeds(self.seeds)
        runs = {seed: TrainCE(self.dataset, self.model, self.experts, seed).output().need() for seed in seeds}
        report = evaluate_seeds(self.plan.sources(), self.plan.model, runs, self.split)
        write_report(folder, report | self.plan.data_summary() | {"rankings": self.rankings})
        recipes.write_recipe(folder, self.plan.evaluate_recipe(seeds, self.split) or {}, provenance())

    def closing(self) -> None:
        """Prints the tables and where the report lies."""
        from tasks.console.metrics_table import print_report

        print_report(self.output().need())

    @property
    def _page(self) -> RankingsPage:
        return RankingsPage(self.plan, self.plan.seeds(self.seeds), self.split)
