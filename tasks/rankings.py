"""What a trained model ranks, as a page to look at."""

from collections.abc import Iterator
from pathlib import Path

import luigi

from pipeline import store
from pipeline.fingerprint import Recipe
from tasks.graph import SEEDS, EvaluateCE, ModelTask, Paths, TrainCE
from tasks.provenance import provenance
from tasks.targets import RecipeTarget
from tasks.terminal import bar, say

RANKINGS_VERSION = 1
"""Raised by hand when the page changes."""


class ShowRankings(ModelTask):
    """Makes the page rankings.html beside the report: queries with what they find, and what each expert gave to it."""

    seeds = luigi.Parameter(default="", description=SEEDS)
    split = luigi.ChoiceParameter(choices=("train", "val", "test"), default="test", description="Split to show")

    def requires(self) -> Iterator[luigi.Task]:
        """The report, whose folder the page lies in."""
        yield EvaluateCE(self.dataset, self.model, self.experts, self.seeds, self.split)

    def output(self) -> RecipeTarget:
        """Present when the page of this report is written."""
        report = self.plan.evaluate_folder(self.plan.seeds(self.seeds), self.split)
        return RecipeTarget(None if report is None else report / "rankings", self._recipe)

    def run(self) -> None:
        """Writes the page, and a still of each video on it."""
        from search import config, rankings
        from search.rankings_page import write_page

        folder, seed = self.output().need(), self.plan.seeds(self.seeds)[0]
        run = TrainCE(self.dataset, self.model, self.experts, seed).output().need()
        folder.mkdir(parents=True, exist_ok=True)
        sources, stop_words = self.plan.sources(), config.load(Path(Paths().configs)).stop_words
        ranked = rankings.rank(sources, run, self.split, stop_words, folder / "words.sqlite")
        facts = {
            "dataset": self.dataset,
            "model": self.plan.model_name,
            "split": self.split,
            "seed": seed,
            "modalities": {expert.name: expert.config.modality for expert in self.plan.experts},
        }
        with bar("Taking stills", "video") as progress:
            write_page(ranked, facts, sources.manifest.root, folder.parent, progress)
        (folder / "recipe.json").unlink(missing_ok=True)
        store.write_recipe(folder, self._recipe, provenance())

    def closing(self) -> None:
        """Says where the page is."""
        say(f"Rankings: {self.output().need().parent / 'rankings.html'}")

    @property
    def _recipe(self) -> Recipe:
        return {"stage": "rankings", "version": RANKINGS_VERSION}
