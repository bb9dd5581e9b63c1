"""What a trained model ranks, as a page to look at."""

from collections.abc import Iterator

import luigi

from tasks.console.terminal import say
from tasks.dataset_task import SEEDS, ModelTask
from tasks.evaluation import EvaluateCE
from tasks.plan.rankings_page import RankingsPage
from tasks.plan.targets import RecipeTarget


class ShowRankings(ModelTask):
    """Makes the page rankings.html beside the report: queries with what they find, and what each expert gave to it."""

    seeds = luigi.Parameter(default="", description=SEEDS)
    split = luigi.ChoiceParameter(choices=("train", "val", "test"), default="test", description="Split to show")

    def requires(self) -> Iterator[luigi.Task]:
        """The report, whose folder the page lies in."""
        yield EvaluateCE(self.dataset, self.model, self.experts, self.seeds, self.split, rankings=False)

    def output(self) -> RecipeTarget:
        """Present when the page of this report is written."""
        return self._page.target

    def run(self) -> None:
        """Writes the page, and a still of each video on it."""
        self._page.write()

    def closing(self) -> None:
        """Says where the page is."""
        say(f"Rankings: {self._page.path}")

    @property
    def _page(self) -> RankingsPage:
        return RankingsPage(self.plan, self.plan.seeds(self.seeds), self.split)
