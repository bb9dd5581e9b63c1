"""Recipe, folder and writing of the page of rankings beside a report."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.stores import places, recipes
from pipeline.stores.fingerprint import Recipe, fingerprint
from pipeline.untrusted.archives import scratch
from tasks.plan.inventory import Progress
from tasks.plan.plan import Plan
from tasks.plan.provenance import provenance
from tasks.plan.settings import Extraction
from tasks.plan.targets import FolderTarget, RecipeTarget

RANKINGS_VERSION = 5
"""Raised by hand when the page changes; the report beside it stays."""


class RankingsPage:
    """rankings.html beside the report on `split` of models with these `seeds`, of which it shows the lowest."""

    def __init__(self, plan: Plan, seeds: Sequence[int], split: str) -> None:
        self._plan, self._seed, self._split = plan, min(seeds), split
        report = plan.evaluate_folder(seeds, split)
        self.recipe = {} if report is None else self._recipe(report)
        """All that decides the page besides the report; empty while the report's inputs are missing."""
        self.target = RecipeTarget(None if report is None else report / "rankings", plan.store, self.recipe)

    @property
    def path(self) -> Path:
        """Path of the page; PipelineError while the report's inputs are missing."""
        return self.target.require().parent / "rankings.html"

    def write(self, progress: Progress) -> None:
        """Writes the page and a still of each video on it; stills of a killed run are kept."""
        from search.pages import rankings
        from search.pages.rankings_page import write_page

        folder, sources = self.target.require(), self._plan.sources()
        run = FolderTarget(self._plan.train_folder(self._seed), self._plan.store).require()
        folder.mkdir(parents=True, exist_ok=True)
        with scratch(folder) as temporary:
            temporary.mkdir()  # a folder per process, since another one may be writing the same page
            words, labels = temporary / "words.sqlite", self._plan.label_words.sources()
            ranked = rankings.rank(sources, run, self._split, self._stop_words, words, labels)
            facts = self._facts | {"root": sources.manifest.root}
            write_page(ranked, facts, folder.parent, Extraction().num_workers, progress)
        places.remove(folder / recipes.NAME)
        files = [path for path in folder.iterdir() if path.is_file()]
        recipes.write_recipe(folder, self.recipe, provenance(), [*files, Path("..", "rankings.html")])

    def _recipe(self, report: Path) -> Recipe:
        # Links lead from the page to the videos: a recipe with their relative path stays when both are moved together.
        root = os.path.relpath(self._plan.selection.settings.videos, report)
        stop_words = {"words": sorted(self._stop_words)}
        return {
            "stage": "rankings",
            "version": RANKINGS_VERSION,
            **self._facts,
            "root": root,
            "stop_words": fingerprint(stop_words),
        }

    @functools.cached_property
    def _stop_words(self) -> frozenset[str]:
        from search import config

        return config.load(self._plan.selection.layout.configs).stop_words

    @property
    def _facts(self) -> dict[str, object]:
        selection = self._plan.selection
        return {
            "dataset": selection.dataset,
            "model": selection.model_name,
            "split": self._split,
            "seed": self._seed,
            "modalities": {expert.name: expert.config.modality for expert in selection.experts},
        }
