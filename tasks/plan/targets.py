"""Luigi targets: whether the output of a task is there, complete, and made from the inputs as they are now."""

from pathlib import Path

import luigi

from extractors.registry import NamedText
from pipeline.errors import ExtractionError, PipelineError
from pipeline.stores import recipes
from pipeline.stores.fingerprint import Recipe
from tasks.plan.inventory import ExpertState, Inventory, mended
from tasks.plan.label_words import LabelWordsPlan
from tasks.plan.selection import Selection


class LockedTarget(luigi.Target):
    """What one run alone makes at a time."""

    @property
    def lock(self) -> Path | None:
        """The folder that a run holds while it makes this (`atomic.exclusive`); None while it is not known."""
        raise NotImplementedError


class DemoTarget(LockedTarget):
    """The demo's videos, made with the settings that the YAML has now."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    @property
    def lock(self) -> Path:
        """The folder of the demo."""
        return self._selection.demo_folder

    def exists(self) -> bool:
        """Whether all of the videos are there."""
        from pipeline.demo.make import is_made

        return is_made(self._selection.demo_settings, self._selection.demo_folder)


class ManifestTarget(LockedTarget):
    """The manifest of the dataset's folder as it is now."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @property
    def lock(self) -> Path:
        """The folder of the dataset's manifests."""
        selection = self._inventory.selection
        return selection.layout.manifests(selection.dataset)

    def exists(self) -> bool:
        """Whether a manifest was built since the folder last changed."""
        return self._inventory.manifest() is not None


class ExpertTarget(luigi.Target):
    """The features of one expert for every video of a dataset."""

    def __init__(self, inventory: Inventory, name: str) -> None:
        self._inventory = inventory
        self._expert = inventory.selection.expert(name)
        self.name = name

    @property
    def is_imported(self) -> bool:
        """Whether the features come from an archive, not from videos."""
        return self._expert.is_imported

    def state(self) -> ExpertState | None:
        """Which rows are there and which are missing, or None before the manifest is built."""
        return self._inventory.expert_state(self._expert)

    def exists(self) -> bool:
        """Whether every video has its row, and no more of them failed than the dataset allows."""
        state = self.state()
        return state is not None and not state.remaining and not self._inventory.failure_message(state)

    def check_failures(self) -> None:
        """Raises ExtractionError where more videos failed than the dataset allows."""
        state = self.state()
        message = self._inventory.failure_message(state) if state else ""
        if message:
            raise ExtractionError(message)


class TextTarget(LockedTarget):
    """The token vectors of every caption of a dataset."""

    def __init__(self, inventory: Inventory, text: NamedText) -> None:
        self._inventory, self._text = inventory, text

    @property
    def lock(self) -> Path:
        """The store of the encoder."""
        return self._inventory.selection.layout.text(self._text)

    def exists(self) -> bool:
        """Whether every caption has its row."""
        return self._inventory.missing_captions(self._text) == []


class LabelsTarget(LockedTarget):
    """The vectors of the names of what classifiers can recognise."""

    def __init__(self, plan: LabelWordsPlan) -> None:
        self._plan = plan

    @property
    def lock(self) -> Path:
        """The store of the encoder."""
        return self._plan.folder

    def exists(self) -> bool:
        """Whether every name has its row."""
        return not self._plan.missing


class FolderTarget(LockedTarget):
    """A folder in the store `store`, named by its recipe's fingerprint.

    It is complete when recipe.json, which is written last, is there, with all files that it lists. `folder` is None
    while the inputs, and so its name, are not known.
    """

    def __init__(self, folder: Path | None, store: Path) -> None:
        self._folder, self._store = folder, store

    def exists(self) -> bool:
        """Whether the folder is complete; a damaged one is set aside, told in one line, and then missing."""
        return self._recipe_of_folder() is not None

    def _recipe_of_folder(self) -> Recipe | None:
        folder = self._folder
        return None if folder is None else mended(self._store, lambda: recipes.check(folder))

    @property
    def lock(self) -> Path | None:
        """The folder itself."""
        return self._folder

    def require(self) -> Path:
        """Path of the folder, complete or not; PipelineError while its name is not known."""
        if self._folder is None:
            raise PipelineError("the inputs changed while the task was running; run the same command again")
        return self._folder


class RecipeTarget(FolderTarget):
    """A folder inside of a result; it is complete when it was made with `recipe`."""

    def __init__(self, folder: Path | None, store: Path, recipe: Recipe) -> None:
        super().__init__(folder, store)
        self._recipe = recipe

    @property
    def lock(self) -> Path | None:
        """The folder of the result that it lies in, whose other files are made with it."""
        return self._folder.parent if self._folder else None

    def exists(self) -> bool:
        """Whether the folder is complete and was made with this recipe, not by an older version."""
        return self._recipe_of_folder() == self._recipe


class IndexTarget(FolderTarget):
    """A search index that is complete and current, i.e. the one that a search opens."""

    @property
    def lock(self) -> Path | None:
        """The folder of all indexes of the dataset, since that of an index is replaced as a whole."""
        return self._folder.parent if self._folder else None

    def exists(self) -> bool:
        """Whether the index is complete and current."""
        from search.index.folder import is_current

        return self.is_written() and is_current(self.require())

    def is_written(self) -> bool:
        """Whether the index is complete, current or not."""
        return super().exists()

    def publish(self) -> None:
        """Makes the index the current one."""
        from search.index.folder import publish

        publish(self.require())
