"""Task that makes any folder of videos searchable, without a word about it: dataset, features and index in one."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import luigi

from pipeline.datasets.folders import dataset_of, free_name
from pipeline.datasets.new_dataset import Options, write_dataset
from pipeline.errors import ConfigError
from pipeline.remote_files.places import is_elsewhere
from pipeline.stores import recipes
from tasks.console.folder_lines import count_videos, say_choice, say_summary
from tasks.console.terminal import say
from tasks.dataset_task import RunsEachTime
from tasks.fetch_weights import FetchWeights
from tasks.parameters import TypedPath
from tasks.plan.at_hand import Choice, choose
from tasks.plan.settings import Paths
from tasks.search import BuildIndex

MODEL = "ce_light"
"""The model that the dataset's YAML names, for whoever adds captions and trains one."""


class SearchFolder(RunsEachTime, luigi.Task):
    """Makes a folder of videos searchable: describes it, extracts what works with the weights at hand, and indexes it.

    Again with the same folder, it adds the videos that are new. `python -m search --videos FOLDER` does the same, and
    opens the page.
    """

    keeps_log = False

    videos = TypedPath(
        description="Folder with the videos, at any depth; an address, a .txt of addresses, *.tar, a .parquet, *.mp4"
    )
    name = luigi.Parameter(default="", description="Name of the dataset; by default that of the folder")
    fetch = luigi.BoolParameter(description="Fetch the weights of the best experts, be they gigabytes")
    query = luigi.Parameter(default="", description="What to look for, in words; the ten best videos are printed")

    def run(self) -> Iterator[luigi.Task | list[luigi.Task]]:
        """Builds what is missing, and prints what the folder is searched by, and the command that opens the page."""
        dataset, choices = self._begun
        if choices:
            yield [FetchWeights(network) for choice in choices for network in choice.networks]
            experts = ",".join(choice.expert for choice in choices if choice.expert)
            index = BuildIndex(dataset, experts=experts, untrained=True)
            yield index
            say_summary(index.plan.inventory, index.output().require())
            if note := index.index_plan.label_words.lacks:
                say(f"Note: {note}")
        if self.query.strip():
            self._answer(dataset)
        say(f"Search: python -m search --dataset {dataset}")
        self.has_run = True

    def _answer(self, dataset: str) -> None:
        from search import Collection
        from tasks.console.search_results import print_answer

        layout = Paths().layout
        print_answer(Collection.open(dataset, layout.data, layout.configs, layout.weights).search(self.query))

    @functools.cached_property
    def _begun(self) -> tuple[str, list[Choice]]:
        """The dataset, and what becomes of each group of experts; of none where the dataset has a trained model.

        Is said once, though Luigi enters `run` several times. Nothing is written where one of the two cannot be.
        """
        videos, datasets = self._videos, Paths().layout.configs / "datasets"
        dataset = dataset_of(videos, datasets, Path(), self.name)
        if dataset and _is_trained(dataset):
            say(f"{dataset} has an index with a trained model, which stays as it is; luigi --module tasks BuildIndex "
                f"--dataset {dataset} adds new videos to it")  # fmt: skip
            return dataset, []
        choices = self._choose()
        dataset = dataset or self._describe(videos, datasets)
        for choice in choices:
            say_choice(choice)
        return dataset, choices

    def _describe(self, videos: str | Path, datasets: Path) -> str:
        """Writes the YAML of a new dataset, and returns its name."""
        name = self.name or free_name(videos, datasets)
        # Nobody has looked through the folder: what cannot be read in it is told, and stops nothing.
        made = write_dataset(name, str(videos), "", MODEL, Paths().layout, Options(max_failed_fraction=1.0))
        captioned = f", {made.num_captioned} with captions" if made.num_captioned else ""
        say(f"Wrote {made.path}: {count_videos(made.num_videos)}{captioned}")
        return name

    @property
    def _videos(self) -> str | Path:
        """The folder that was typed; from the project folder where it lies in it, so that both can be moved.

        What lies elsewhere as it was typed.
        """
        if is_elsewhere(self.videos):
            return str(self.videos)
        folder = Path(os.path.abspath(Path(self.videos).expanduser()))  # noqa: PTH100 - Path keeps the ".." in it
        if not folder.is_dir():
            what = "is a file: name the folder that it lies in" if folder.exists() else "is not there"
            raise ConfigError(f"--videos {self.videos}: {folder} {what}")
        here = Path.cwd()
        return folder.relative_to(here) if folder.is_relative_to(here) else folder

    def _choose(self) -> list[Choice]:
        from search import config

        layout = Paths().layout
        choices = choose(config.load(layout.configs).folder.experts, layout, self.fetch)
        if not any(choice.expert for choice in choices):
            raise ConfigError(f"{layout.configs}/search.yaml: no expert under folder: can take part; name one that can")
        return choices


def _is_trained(dataset: str) -> bool:
    """Whether the index that a search opens now has a trained model: nothing here may replace it."""
    from search.index.folder import current

    path = current(Paths().layout.store / "index" / dataset)
    recipe = recipes.read_recipe(path) if path else None
    return bool(recipe and recipe["train"])
