"""Asks a collection: the index of its videos, and queries on it."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from extractors.registry import ExpertConfig, TextConfig
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.fingerprint import Recipe, fingerprint
from tasks.graph import ExtractExpert, ModelTask, Paths, TrainCE
from tasks.targets import IndexTarget
from tasks.terminal import say

if TYPE_CHECKING:
    from search.build import Ingredients
    from search.config import IndexSettings

UNTRAINED = "Without a model: only the words that can be read or heard are searched"


class IndexTask(ModelTask):
    """A task on the index of a dataset."""

    untrained = luigi.BoolParameter(description=UNTRAINED)

    @property
    def seed(self) -> int | None:
        """The first seed of the model, which is the one that is searched with; None for an index without a model."""
        settings = self.plan.settings
        return None if self.untrained or not (settings.captions or settings.annotations) else self.plan.seeds("")[0]


class BuildIndex(IndexTask):
    """Writes what a search reads: the words in the videos, and the videos as the trained experts see them."""

    def requires(self) -> Iterator[luigi.Task]:
        """The trained model, or the features alone."""
        if self.seed is not None:
            yield TrainCE(self.dataset, self.model, self.experts, self.seed)
        else:
            yield from (ExtractExpert(self.dataset, name) for name in self.plan.expert_names)

    def output(self) -> IndexTarget:
        """Present when the index of exactly these inputs is written, and is the one that is opened."""
        recipe = self._recipe()
        folder = self.plan.layout.store / "index" / self.dataset
        return IndexTarget(None if recipe is None else folder / fingerprint(recipe))

    def run(self) -> None:
        """Writes it, unless it is there already, and makes it the current one."""
        from search.build import build_index

        target = self.output()
        if not target.is_written():
            build_index(self._ingredients(), self._settings, target.need(), self._recipe() or {})
        target.publish()

    def closing(self) -> None:
        """Says where it is and what can be done with it."""
        say(f"Index: {self.output().need()}")
        say(f"Search: luigi --module tasks Search --dataset {self.dataset} --query \"...\", or in a browser: "
            f"python -m search --dataset {self.dataset}")  # fmt: skip

    @property
    def _settings(self) -> "IndexSettings":
        from search import config as search_config

        return search_config.load(Path(Paths().configs)).index

    def _recipe(self) -> Recipe | None:
        train = None if self.seed is None else self.plan.train_recipe(self.seed)
        videos, states = self.plan.manifest(), [self.plan.expert_state(expert) for expert in self.plan.experts]
        missing = videos is None or any(state is None or state.remaining for state in states)
        if videos is None or missing or (self.seed is not None and train is None):
            return None
        from search.build import VERSION

        return {
            "stage": "index",
            "version": VERSION,
            "manifest": videos.fingerprint,
            "experts": {expert.name: fingerprint(expert.recipe) for expert in self.plan.experts},
            "train": train and fingerprint(train),
            "towers": {name: path.stem for name, path in self._towers().items()},
            "settings": dataclasses.asdict(self._settings),
        }

    def _towers(self) -> dict[str, Path]:
        """Image-text expert -> the YAML of its text tower."""
        folder = self.plan.layout.configs / "text"
        texts = {path: config.load(TextConfig, path) for path in sorted(folder.glob("*.yaml"))}
        pairs = ((expert, path) for expert in self.plan.experts for path in texts)
        return {expert.name: path for expert, path in pairs if _is_tower(texts[path], expert.config)}

    def _ingredients(self) -> "Ingredients":
        from search.build import Ingredients

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
            model=plan.train_folder(self.seed) if self.seed is not None else None,
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
        return BuildIndex(self.dataset, self.model, self.experts, self.untrained)

    def complete(self) -> bool:
        """True once it has answered."""
        return self.done

    def run(self) -> None:
        """Asks, and prints."""
        from search import Collection
        from tasks.answers import print_answer

        if not self.query.strip():
            raise ConfigError('--query is empty: say what to look for, e.g. --query "a man cooks pasta"')
        layout = self.plan.layout
        print_answer(Collection.open(self.dataset, layout.data, layout.configs).search(self.query))
        self.done = True
