"""Task that makes the page of rankings of a trained model."""

from collections.abc import Iterator

import luigi

from pipeline.stores import places
from tasks.console.progress import progress_bar
from tasks.console.terminal import tell
from tasks.dataset_task import SEEDS_HELP, ModelTask, remakes_damaged
from tasks.evaluation import EvaluateCE
from tasks.parameters import split_parameter
from tasks.plan.rankings_page import RankingsPage
from tasks.plan.targets import RecipeTarget


class ShowRankings(ModelTask):
    """Makes the page rankings.html beside the report: queries with what they find, and what each expert gave to it."""

    seeds = luigi.Parameter(default="", description=SEEDS_HELP)
    split = split_parameter("Split to show")

    def requires(self) -> Iterator[luigi.Task]:
        """The report, in whose folder the page lies, and its inputs, which may be gone while the report is there."""
        report = EvaluateCE(self.dataset, self.model, self.experts, self.seeds, self.split, rankings=False)
        yield report
        yield from report.requires()

    def output(self) -> RecipeTarget:
        """Complete when the page of this report is written."""
        return self._page.target

    @remakes_damaged
    def run(self) -> None:
        """Writes the page, and a still of each video on it."""
        with progress_bar("Taking stills", "video") as progress:
            self._page.write(progress)

    def print_result(self) -> None:
        """Prints the path of the page."""
        page = self._page
        places.fetched(page.target.require())  # for the person who opens it
        tell(f"Rankings: {page.path}")

    @property
    def _page(self) -> RankingsPage:
        return RankingsPage(self.plan, self.plan.selection.seeds(self.seeds), self.split)
