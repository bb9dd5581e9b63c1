"""Recipe, folder and writing of the runs and qrels of TREC beside a report."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.stores import places, recipes
from pipeline.stores.fingerprint import Recipe
from tasks.plan.plan import Plan
from tasks.plan.provenance import provenance
from tasks.plan.targets import FolderTarget, RecipeTarget

FOLDER = "trec"
TREC_VERSION = 1
"""Raised by hand when these files change; the report beside them stays."""


class ReportTrec:
    """The folder trec beside the report in the folder `report`, on `split`, of networks with these `seeds`.

    All that TREC's tools read. `report`: None while the report's inputs are missing.
    """

    def __init__(self, report: Path | None, store: Path, seeds: Sequence[int], split: str) -> None:
        recipe: Recipe = {"stage": "trec", "version": TREC_VERSION, "split": split, "seeds": list(seeds)}
        self.recipe = {} if report is None else recipe
        """All that decides the files besides the report; empty while the report's inputs are missing."""
        self.target = RecipeTarget(None if report is None else report / FOLDER, store, self.recipe)

    def write_by(self, write: Callable[[Path], list[Path]]) -> None:
        """Has the files written by `write`, which is given their folder and returns their paths."""
        folder = self.target.require()
        places.remove(folder / recipes.NAME)  # of an older version
        recipes.write_recipe(folder, self.recipe, provenance(), write(folder))


class TrecFiles(ReportTrec):
    """Those beside the report on models that were trained here."""

    def __init__(self, plan: Plan, seeds: Sequence[int], split: str) -> None:
        super().__init__(plan.evaluate_folder(seeds, split), plan.store, seeds, split)
        self._plan, self._seeds, self._split = plan, seeds, split

    def write(self) -> None:
        """Writes the files; the networks rank the split once more."""
        from models.stages import write_trec

        plan, runs = self._plan, {seed: self._run(seed) for seed in self._seeds}
        model, labels = plan.selection.model, plan.label_words.sources()
        self.write_by(lambda folder: write_trec(plan.sources(), model, runs, self._split, folder, labels))

    def _run(self, seed: int) -> Path:
        return FolderTarget(self._plan.train_folder(seed), self._plan.store).require()
