"""Recipe, folder and writing of the runs and qrels of TREC beside a report."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.stores import places, recipes
from pipeline.stores.fingerprint import Recipe
from tasks.plan.plan import Plan
from tasks.plan.provenance import provenance
from tasks.plan.targets import FolderTarget, RecipeTarget

FOLDER = "trec"
TREC_VERSION = 1
"""Raised by hand when these files change; the report beside them stays."""


class TrecFiles:
    """The folder trec beside the report on `split` of models with these `seeds`: all that TREC's tools read."""

    def __init__(self, plan: Plan, seeds: Sequence[int], split: str) -> None:
        self._plan, self._seeds, self._split = plan, seeds, split
        report = plan.evaluate_folder(seeds, split)
        recipe: Recipe = {"stage": "trec", "version": TREC_VERSION, "split": split, "seeds": list(seeds)}
        self.recipe = {} if report is None else recipe
        """All that decides the files besides the report; empty while the report's inputs are missing."""
        self.target = RecipeTarget(None if report is None else report / FOLDER, plan.store, self.recipe)

    def write(self) -> None:
        """Writes the files; the networks rank the split once more."""
        from models.stages import write_trec

        folder, plan = self.target.require(), self._plan
        runs = {seed: self._run(seed) for seed in self._seeds}
        places.remove(folder / recipes.NAME)  # of an older version
        model, labels = plan.selection.model, plan.label_words.sources()
        files = write_trec(plan.sources(), model, runs, self._split, folder, labels)
        recipes.write_recipe(folder, self.recipe, provenance(), files)

    def _run(self, seed: int) -> Path:
        return FolderTarget(self._plan.train_folder(seed), self._plan.store).require()
