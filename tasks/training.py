"""Training: one run for each seed."""

from collections.abc import Iterator

import luigi

from pipeline.stores import recipes
from tasks.console.terminal import progress_bar
from tasks.dataset_task import ModelTask
from tasks.extraction import EncodeText, extraction
from tasks.plan.provenance import provenance
from tasks.plan.targets import FolderTarget


class TrainCE(ModelTask):
    """Trains the model on the training split with one seed, choosing the epoch by the validation split."""

    seed = luigi.IntParameter(description="Random seed")

    def requires(self) -> Iterator[luigi.Task]:
        """The features of all its experts, the token vectors of the captions, and the models that it learns from."""
        encode = EncodeText(self.dataset, self.model, self.experts)
        yield from extraction(self.dataset, self.plan.expert_names, encode)
        yield encode
        yield from self._teachers()

    def _teachers(self) -> "Iterator[TrainCE]":
        return (TrainCE(self.dataset, teacher.model_name, "", self.seed) for teacher in self.plan.teachers)

    def output(self) -> FolderTarget:
        """Present when the run with exactly these inputs is finished."""
        return FolderTarget(self.plan.train_folder(self.seed))

    def run(self) -> None:
        """Trains, from where a killed run stopped."""
        if self.complete():
            return  # the dataset's folder had to be looked into, and holds what it held
        from models.stages import train_seed

        folder = self.output().need()
        teachers = [(task.plan.sources(), task.output().need()) for task in self._teachers()]
        with progress_bar(f"Training, seed {self.seed}", "epoch") as progress:
            train_seed(self.plan.sources(), self.plan.model, self.seed, folder, progress, teachers)
        recipes.write_recipe(folder, self.plan.train_recipe(self.seed) or {}, provenance())
