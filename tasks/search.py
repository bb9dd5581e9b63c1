"""Asks a collection: the index of its videos, and queries on it."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from extractors.registry import ExpertConfig, TextConfig
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores.fingerprint import Recipe, fingerprint
from tasks.console.terminal import say
from tasks.dataset_task import ModelTask
from tasks.extraction import extraction
from tasks.plan.plan import Plan, plan
from tasks.plan.settings import Partial, Paths
from tasks.plan.targets import IndexTarget
from tasks.training import TrainCE

if TYPE_CHECKING:
    from search.building.build import Ingredients
    from search.config import IndexSettings

UNTRAINED = "Without a model: only the words that can be read or heard are searched"
TRAINED_ON = "Another dataset, whose trained model is searched with; for videos without captions"


class IndexTask(ModelTask):
    """A task on the index of a dataset."""

    untrained = luigi.BoolParameter(description=UNTRAINED)
    trained_on = luigi.Parameter(default="", description=TRAINED_ON)

    @property
    def plan(self) -> Plan:
        """The dataset that is searched, with the model and experts of the one that was trained on."""
        if not self.trained_on:
            return super().plan
        names = ",".join(self.trained.expert_names)
        return plan(Paths().layout, self.dataset, self.trained.model_name, names, Partial().allow_partial)

    @property
    def trained(self) -> Plan:
        """What the model is trained on: by default the dataset that is searched."""
        if not self.trained_on:
            return super().plan
        return plan(Paths().layout, self.trained_on, self.model, self.experts, Partial().allow_partial)

    @property
    def seed(self) -> int | None:
        """The first seed of the model, which is the one that is searched with; None for an index without a model."""
        settings = self.trained.settings
        if self.trained_on and self.untrained:
            raise ConfigError("--untrained is without a model, and --trained-on asks for one: choose")
        return None if self.untrained or not (settings.captions or settings.annotations) else self.trained.seeds("")[0]


class BuildIndex(IndexTask):
    """Writes what a search reads: the words in the videos, and the videos as the trained experts see them.

    A model that was trained on another dataset stays the same when videos are added to this one, and then only these
    are new to the index. What a dataset is trained on is part of its model: a caption more, and all is trained anew.
    """

    def requires(self) -> Iterator[luigi.Task]:
        """The trained model, and the features."""
        if self.seed is not None:
            yield TrainCE(self.trained.dataset, self.model, self.experts, self.seed)
        if self.seed is None or self.trained_on:
            yield from extraction(self.dataset, self.plan.expert_names)

    def output(self) -> IndexTarget:
        """Present when the index of exactly these inputs is written, and is the one that is opened."""
        recipe = self.recipe()
        folder = self.plan.layout.store / "index" / self.dataset
        return IndexTarget(None if recipe is None else folder / fingerprint(recipe))

    def run(self) -> None:
        """Writes it, unless it is there already, and makes it the current one."""
        from search.building.build import build_index

        target = self.output()
        if not target.is_written():
            built = build_index(self._ingredients(), self._settings, target.need(), self.recipe() or {})
            if self.seed is not None and built.num_embedded < built.num_videos:
                say(f"{built.num_embedded} of {built.num_videos} videos are new; the vectors of the others are kept")
        target.publish()

    def closing(self) -> None:
        """Says where it is and what can be done with it."""
        say(f"Index: {self.output().need()}")
        say(f"Search: luigi --module tasks Search --dataset {self.dataset}{self._options} --query \"...\", or in a "
            f"browser: python -m search --dataset {self.dataset}")  # fmt: skip

    @property
    def _options(self) -> str:
        """What a search must be told as well, to ask this index and not build another."""
        told = {"--model": self.model, "--experts": self.experts, "--trained-on": self.trained_on}
        options = "".join(f" {name} {value}" for name, value in told.items() if value)
        return options + (" --untrained" if self.untrained else "")

    @property
    def _settings(self) -> "IndexSettings":
        from search import config as search_config

        return search_config.load(Path(Paths().configs)).index

    def recipe(self) -> Recipe | None:
        """All that decides the index, or None while something that it is made from is not there."""
        train = None if self.seed is None else self.trained.train_recipe(self.seed)
        videos, states = self.plan.manifest(), [self.plan.expert_state(expert) for expert in self.plan.experts]
        missing = videos is None or any(state is None or state.remaining for state in states)
        if videos is None or missing or (self.seed is not None and train is None):
            return None
        failed = {state.expert.name: sorted(row.key for row in state.failed) for state in states if state}
        from search.building.build import VERSION

        return {
            "stage": "index",
            "version": VERSION,
            "manifest": videos.fingerprint,
            "experts": {expert.name: fingerprint(expert.recipe) for expert in self.plan.experts},
            "failed": fingerprint(failed),
            "train": train and fingerprint(train),
            "towers": {name: path.stem for name, path in self._towers().items()},
            "settings": dataclasses.asdict(self._settings),
            **({"trained_on": self.trained_on} if self.trained_on else {}),
        } | self.plan.imports()

    def _towers(self) -> dict[str, Path]:
        """Image-text expert -> the YAML of its text tower."""
        folder = self.plan.layout.configs / "text"
        texts = {path: config.load(TextConfig, path) for path in sorted(folder.glob("*.yaml"))}
        pairs = ((expert, path) for expert in self.plan.experts for path in texts)
        return {expert.name: path for expert, path in pairs if _is_tower(texts[path], expert.config)}

    def _ingredients(self) -> "Ingredients":
        from search.building.build import Ingredients

        plan, layout = self.plan, self.plan.layout
        videos = plan.manifest()
        assert videos is not None, "the inputs are there"
        trained = self.seed is not None
        options = dataclasses.asdict(layout.weights) | {"cache": str(layout.weights.cache)}
        return Ingredients(
            manifest=videos,
            stores={expert.name: layout.features(expert) for expert in plan.experts},
            modalities={expert.name: expert.config.modality for expert in plan.experts},
            key=lambda name, video: plan.row_key(plan.expert(name), video),
            model=self.trained.train_folder(self.seed) if self.seed is not None else None,
            sources=plan.sources() if trained else None,
            text_config=config.choose(layout.configs / "text", plan.model.text) if trained else None,
            towers=self._towers(),
            dims={expert.name: expert.extractor.dim for expert in plan.experts},
            weights=options,
        )


def _is_tower(text: TextConfig, expert: ExpertConfig) -> bool:
    """Whether the encoder is the text half of the expert: one module, one network."""
    return text.encoder == expert.extractor and text.params.get("network") == expert.params.get("network")


class Search(IndexTask):
    """Prints the ten best videos for a query."""

    query = luigi.Parameter(description="What to look for, in words")
    done = False

    def requires(self) -> luigi.Task:
        """The index."""
        return BuildIndex(self.dataset, self.model, self.experts, self.untrained, self.trained_on)

    def complete(self) -> bool:
        """True once it has answered."""
        return self.done

    def run(self) -> None:
        """Asks, and prints."""
        from search import Collection
        from tasks.console.search_results import print_answer

        if not self.query.strip():
            raise ConfigError('--query is empty: say what to look for, e.g. --query "a man cooks pasta"')
        layout = self.plan.layout
        print_answer(Collection.open(self.dataset, layout.data, layout.configs).search(self.query))
        self.done = True
