"""Task that trains a model with one seed."""

from collections.abc import Iterator

import luigi

from pipeline.stores import recipes
from tasks.console.progress import progress_bar
from tasks.dataset_task import ModelTask, remakes_damaged
from tasks.extraction import EncodeText, encodings, extraction
from tasks.parameters import hidden_unnamed
from tasks.plan.provenance import provenance
from tasks.plan.targets import FolderTarget


class TrainCE(ModelTask):
    """Trains the model on the training split with one seed, choosing the epoch by the validation split."""

    seed = luigi.IntParameter(description="Random seed")
    evaluated = hidden_unnamed()  # the split that is evaluated afterwards

    def requires(self) -> Iterator[luigi.Task]:
        """The features of all its experts, the token vectors of the captions, and the trained teachers."""
        is_aligned = self.plan.selection.model.architecture.is_aligned
        encode = list(encodings(self, self._splits, has_rows=is_aligned))
        texts = [task for task in encode if isinstance(task, EncodeText)]
        yield from extraction(self.dataset, self.plan.selection.expert_names, *texts, splits=self._splits)
        yield from encode
        yield from self._teachers()
        yield from (EncodeText(self.dataset, name, "", self._splits) for name in self._teacher_names)

    @property
    def _splits(self) -> str:
        return f"{self.plan.selection.training_splits},{self.evaluated}"

    def _teachers(self) -> "Iterator[TrainCE]":
        return (TrainCE(self.dataset, name, "", self.seed) for name in self._teacher_names)

    @property
    def _teacher_names(self) -> list[str]:
        return [teacher.selection.model_name for teacher in self.plan.teachers]

    def output(self) -> FolderTarget:
        """Complete when the training with exactly these inputs is finished."""
        return FolderTarget(self.plan.train_folder(self.seed), self.plan.store)

    @remakes_damaged
    def run(self) -> None:
        """Trains, from the last checkpoint of a killed run if there is one."""
        if self.complete():
            return  # Luigi judged before the folder was scanned; the scan found nothing new, so the old run still fits
        self.plan.inventory.refuse_empty_splits(self._splits)
        from models.stages import RUN_FILES, Beside, train_seed

        folder, sources = self.output().require(), self.plan.sources()
        teachers = [(task.plan.sources(), task.output().require()) for task in self._teachers()]
        beside = Beside(teachers, self.plan.label_words.sources())
        with progress_bar(f"Training, seed {self.seed}", "epoch") as progress:
            train_seed(sources, self.plan.selection.model, self.seed, folder, progress, beside)
        recipes.write_recipe(folder, self.plan.train_recipe(self.seed) or {}, provenance(), RUN_FILES)
