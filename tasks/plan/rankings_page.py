"""The page of rankings that lies beside a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.stores import recipes
from pipeline.untrusted.archives import scratch
from tasks.console.terminal import progress_bar
from tasks.plan.plan import Plan
from tasks.plan.provenance import provenance
from tasks.plan.settings import Extraction
from tasks.plan.targets import FolderTarget, RecipeTarget

RANKINGS_VERSION = 2
"""Raised by hand when the page changes; the report beside it stays."""
RECIPE = {"stage": "rankings", "version": RANKINGS_VERSION}


class RankingsPage:
    """rankings.html, beside the report on `split` of models with these `seeds`, of which it shows the first."""

    def __init__(self, plan: Plan, seeds: Sequence[int], split: str) -> None:
        self._plan, self._seed, self._split = plan, seeds[0], split
        report = plan.evaluate_folder(seeds, split)
        self.target = RecipeTarget(None if report is None else report / "rankings", RECIPE)

    @property
    def path(self) -> Path:
        """Of the page."""
        return self.target.need().parent / "rankings.html"

    def write(self) -> None:
        """Makes it, and the stills of the videos on it; stills that a killed run took are kept."""
        from search import config
        from search.pages import rankings
        from search.pages.rankings_page import write_page

        folder, sources = self.target.need(), self._plan.sources()
        run = FolderTarget(self._plan.train_folder(self._seed)).need()
        folder.mkdir(parents=True, exist_ok=True)
        stop_words = config.load(self._plan.layout.configs).stop_words
        with scratch(folder) as temporary:
            temporary.mkdir()  # of this run alone: another one may be making the same page
            ranked = rankings.rank(sources, run, self._split, stop_words, temporary / "words.sqlite")
            with progress_bar("Taking stills", "video") as progress:
                facts = self._facts(sources.manifest.root)
                write_page(ranked, facts, folder.parent, Extraction().num_workers, progress)
        (folder / "recipe.json").unlink(missing_ok=True)
        recipes.write_recipe(folder, RECIPE, provenance())

    def _facts(self, root: Path) -> dict[str, Any]:
        return {
            "dataset": self._plan.dataset,
            "model": self._plan.model_name,
            "split": self._split,
            "seed": self._seed,
            "modalities": {expert.name: expert.config.modality for expert in self._plan.experts},
            "root": root,
        }
