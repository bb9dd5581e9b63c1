"""When a task is done: its output is there, whole, and made from what is there now."""

from pathlib import Path

import luigi

from pipeline.errors import ExtractionError, PipelineError
from pipeline.stores import recipes
from pipeline.stores.fingerprint import Recipe
from tasks.plan.inventory import ExpertState
from tasks.plan.plan import Plan


class DemoTarget(luigi.Target):
    """The demo's videos, made with the settings that the YAML has now."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def exists(self) -> bool:
        """Whether all of it is there."""
        from pipeline.demo.make import is_made

        return is_made(self._plan.demo_settings, self._plan.demo_folder)


class ManifestTarget(luigi.Target):
    """The manifest of the dataset's folder as it looks now."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def exists(self) -> bool:
        """Whether the folder was looked into since it last changed."""
        return self._plan.manifest() is not None


class ExpertTarget(luigi.Target):
    """The features of one expert for every video of a dataset: done when nothing remains."""

    def __init__(self, plan: Plan, name: str) -> None:
        self._plan = plan
        self.name = name

    @property
    def is_imported(self) -> bool:
        """Whether the features come from an archive, not from videos."""
        return self._plan.expert(self.name).is_imported

    def state(self) -> ExpertState | None:
        """What is there, or None when there is no manifest yet."""
        return self._plan.expert_state(self._plan.expert(self.name))

    def exists(self) -> bool:
        """Whether every video has its row, and few enough of them failed."""
        state = self.state()
        return state is not None and not state.remaining and not self._plan.too_many_failed(state)

    def refuse_too_many_failures(self) -> None:
        """ExtractionError when more videos failed than the dataset allows."""
        state = self.state()
        problem = self._plan.too_many_failed(state) if state else ""
        if problem:
            raise ExtractionError(problem)


class TextTarget(luigi.Target):
    """The token vectors of every caption of a dataset."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def exists(self) -> bool:
        """Whether every caption has its row."""
        return self._plan.missing_captions() == []


class FolderTarget(luigi.Target):
    """A folder named by its recipe's fingerprint; done when its recipe.json, which is written last, is there."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def exists(self) -> bool:
        """False also while the inputs, and so the name, are not known."""
        return self._folder is not None and recipes.read_recipe(self._folder) is not None

    def need(self) -> Path:
        """The folder; PipelineError while its inputs are not there."""
        if self._folder is None:
            raise PipelineError("the inputs changed while the task was running; run the same command again")
        return self._folder


class RecipeTarget(FolderTarget):
    """A folder that is part of a result; done when it was made with the recipe of now."""

    def __init__(self, folder: Path | None, recipe: Recipe) -> None:
        super().__init__(folder)
        self._recipe = recipe

    def exists(self) -> bool:
        """False also when an older version made it."""
        return super().exists() and recipes.read_recipe(self.need()) == self._recipe


class IndexTarget(FolderTarget):
    """An index that is written, and is the one that a search opens."""

    def exists(self) -> bool:
        """False also when an older index is still the current one."""
        from search.index.folder import is_current

        return self.is_written() and is_current(self.need())

    def is_written(self) -> bool:
        """Whether it is there, current or not."""
        return super().exists()

    def publish(self) -> None:
        """Makes it the current one."""
        from search.index.folder import publish

        publish(self.need())
