"""Task that evaluates a model over all its seeds: the report, and the page of rankings beside it."""

from collections.abc import Iterator

import luigi

from pipeline.stores import recipes
from pipeline.stores.fingerprint import Recipe
from tasks.console.metrics_table import print_measures, print_report
from tasks.console.progress import progress_bar
from tasks.console.queries_to_try import print_queries
from tasks.console.terminal import say
from tasks.dataset_task import SEEDS_HELP, ModelTask, remakes_damaged
from tasks.extraction import encodings
from tasks.parameters import split_parameter, trec_parameter
from tasks.plan.data_summary import data_summary
from tasks.plan.duplicates import duplicates
from tasks.plan.provenance import provenance
from tasks.plan.rankings_page import RankingsPage
from tasks.plan.targets import FolderTarget
from tasks.plan.trec_files import TrecFiles
from tasks.training import TrainCE


class EvaluateCE(ModelTask):
    """Trains with each seed and reports how well captions find their videos, and videos their captions."""

    seeds = luigi.Parameter(default="", description=SEEDS_HELP)
    split = split_parameter("Split to report on")
    rankings = luigi.BoolParameter(
        default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING, description="Whether to make rankings.html as well"
    )
    trec = trec_parameter()

    def requires(self) -> Iterator[luigi.Task]:
        """A trained model for each seed, and the token vectors, which may be gone while the models are there.

        For the rows without training, the names of labels, and the captions as the encoders of those rows read them.
        """
        yield from self._trainings()
        yield from encodings(self, f"{self.plan.selection.training_splits},{self.split}", has_rows=True)

    def _trainings(self) -> list[TrainCE]:
        return [TrainCE(self.dataset, self.model, self.experts, seed, self.split) for seed in self._seeds]

    def output(self) -> FolderTarget:
        """Complete when the report on exactly these runs is written."""
        return FolderTarget(self.plan.evaluate_folder(self._seeds, self.split), self.plan.store)

    def recipe(self) -> Recipe | None:
        """All that decides the report, or None while an input is missing."""
        return self.plan.evaluate_recipe(self._seeds, self.split)

    def complete(self) -> bool:
        """Whether the report is there, unless --rankings is false the page beside it, and with --trec its files."""
        beside = [self._page.target] * self.rankings + [self._trec.target] * self.trec
        return self.output().exists() and all(target.exists() for target in beside)

    @remakes_damaged
    def run(self) -> None:
        """Writes report.json, report.html and ranks.csv, then what lies beside; a killed run goes on from there."""
        if not self.output().exists():
            self._report()
        if self.rankings and not self._page.target.exists():
            with progress_bar("Taking stills", "video") as progress:
                self._page.write(progress)
        if self.trec and not self._trec.target.exists():
            self._trec.write()

    def _report(self) -> None:
        from models.stages import evaluate_seeds
        from pipeline.reports.report import FILES, write_report

        folder, plan = self.output().require(), self.plan
        runs = {task.seed: task.output().require() for task in self._trainings()}
        report = evaluate_seeds(plan.sources(), plan.selection.model, runs, self.split, plan.label_words.sources())
        summary = data_summary(plan.inventory) | duplicates(plan)
        write_report(folder, report | summary | {"rankings": self.rankings})
        recipes.write_recipe(folder, self.recipe() or {}, provenance(), FILES)

    def print_result(self) -> None:
        """Prints the metrics and the path of the report; for the demo, queries to try as well."""
        typed = {"--model": self.model, "--experts": self.experts}
        print_report(self.output().require(), "".join(f" {name} {value}" for name, value in typed.items() if value))
        if self.trec:
            print_measures(self._trec.target.require())
        for note in filter(None, [self.plan.label_words.lacks, *self.plan.towers.lacks]):
            say(f"Note: {note}")
        if self.plan.selection.settings.demo:
            print_queries()

    @property
    def _seeds(self) -> tuple[int, ...]:
        return self.plan.selection.seeds(self.seeds)

    @property
    def _page(self) -> RankingsPage:
        return RankingsPage(self.plan, self._seeds, self.split)

    @property
    def _trec(self) -> TrecFiles:
        return TrecFiles(self.plan, self._seeds, self.split)
