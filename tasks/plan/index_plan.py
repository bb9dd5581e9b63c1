"""Recipe, folder and inputs of a search index."""

import dataclasses
import functools
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from extractors import registry
from extractors.registry import NamedText
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores.fingerprint import Recipe, fingerprint
from tasks.plan.label_words import LabelWordsPlan
from tasks.plan.plan import Plan, load_plan

if TYPE_CHECKING:
    from search.building.build import Ingredients
    from search.config import IndexSettings, SearchConfig


class IndexPlan:
    """Plan of the index of one dataset.

    `trained` is the plan of the dataset on which the model is trained. It is searched too, unless another dataset is
    named as `searched`: for videos without captions. An `untrained` index has no model, and holds words alone.
    """

    def __init__(self, trained: Plan, searched: str = "", untrained: bool = False) -> None:
        if searched and untrained:
            raise ConfigError("--untrained is without a model, and --trained-on asks for one: choose")
        self.trained = trained
        self.trained_elsewhere = bool(searched)
        self._untrained = untrained
        self._searched = searched

    @functools.cached_property
    def searched(self) -> Plan:
        """Plan of the dataset that is searched, with the model and the experts of the trained one."""
        if not self.trained_elsewhere:
            return self.trained
        selection = self.trained.selection
        experts = ",".join(selection.expert_names)
        return load_plan(selection.layout, self._searched, selection.model_name, experts, selection.allow_partial)

    @property
    def seed(self) -> int | None:
        """Seed of the model in the index: the model's first one; None for an index without a model."""
        settings = self.trained.selection.settings
        if self._untrained or not (settings.captions or settings.annotations):
            return None
        return self.trained.selection.seeds("")[0]

    @property
    def parent(self) -> Path:
        """Folder of all indexes of the dataset that is searched."""
        selection = self.searched.selection
        return selection.layout.store / "index" / selection.dataset

    @property
    def folder(self) -> Path | None:
        """Folder of the index, or None while an input is missing."""
        return self.folder_of(self.recipe())

    def folder_of(self, recipe: Recipe | None) -> Path | None:
        """Folder of the index with this recipe."""
        return None if recipe is None else self.parent / fingerprint(recipe)

    @property
    def settings(self) -> "IndexSettings":
        """Settings of the index in configs/search.yaml."""
        return self.search_settings.index

    @property
    def search_settings(self) -> "SearchConfig":
        """All settings in configs/search.yaml."""
        from search import config as search_config

        return search_config.load(self.searched.selection.layout.configs)

    @property
    def has_selector(self) -> bool:
        """Whether a selector is fitted: where there are enough captions that nothing was trained on."""
        from models.fusion.nested import FEWEST

        videos = self.searched.inventory.manifest()
        if videos is None or not self.settings.selector:
            return False
        splits = ("train", "val") if self.seed is None else ("val",)
        found = (video for split in splits for video in videos.videos.of_split(split))  # read as far as is needed
        captions = (caption for video in found for caption in video.captions)
        return next(itertools.islice(captions, FEWEST - 1, None), None) is not None

    def fit_selector(self, folder: Path) -> None:
        """Adds a selector to the finished index in `folder`, if there is to be one."""
        if self.has_selector:
            from search import fitting

            fitting.write(folder, self.search_settings, self.searched.selection.layout.weights)

    @functools.cached_property
    def label_words(self) -> LabelWordsPlan:
        """The label words of the index."""
        return LabelWordsPlan(self.searched.selection, has_model=self.seed is not None)

    def recipe(self) -> Recipe | None:
        """All that decides the index, or None while an input is missing."""
        selection, inventory = self.searched.selection, self.searched.inventory
        train = None if self.seed is None else self.trained.train_recipe(self.seed)
        videos, states = inventory.manifest(), [inventory.expert_state(expert) for expert in selection.experts]
        incomplete = videos is None or any(state is None or state.remaining for state in states)
        if videos is None or incomplete or (self.seed is not None and train is None):
            return None
        failed = {state.expert.name: sorted(row.key for row in state.failed) for state in states if state}
        from search.building.build import VERSION
        from search.engines import weighing

        return {
            "stage": "index",
            "version": VERSION,
            "manifest": videos.fingerprint,
            "experts": {expert.name: fingerprint(expert.recipe) for expert in selection.experts},
            "failed": fingerprint(failed),
            "train": train and fingerprint(train),
            "towers": {name: fingerprint(self._text(path).recipe) for name, path in self._text_towers().items()},
            "modalities": {expert.name: expert.config.modality for expert in selection.experts},
            "files": videos.videos.of_files,
            "settings": dataclasses.asdict(self.settings),
            **({"label_words": self.label_words.inputs()} if self.label_words.is_on else {}),
            **({"selector": weighing.recipe(self.search_settings)} if self.has_selector else {}),
            **({"trained_on": self.trained.selection.dataset} if self.trained_elsewhere else {}),
        } | self.searched.import_recipe()

    def ingredients(self) -> "Ingredients":
        """All that the index is built from; to be called when the inputs are there."""
        from search.building.build import Ingredients

        plan, selection = self.searched, self.searched.selection
        layout, experts = selection.layout, selection.experts
        videos = plan.inventory.manifest()
        assert videos is not None, "the inputs are there"
        has_model = self.seed is not None
        text_config = config.choose(layout.configs / "text", selection.model.text) if has_model else None
        shown = [expert for expert in experts if not expert.is_imported]
        by_name = {expert.name: expert for expert in experts}  # asked for each video
        return Ingredients(
            manifest=videos,
            stores={expert.name: layout.features(expert) for expert in experts},
            modalities={expert.name: expert.config.modality for expert in experts},
            key=lambda name, video: plan.inventory.row_key(by_name[name], video),
            model=self.trained.train_folder(self.seed) if self.seed is not None else None,
            sources=plan.sources() if has_model else None,
            text_config=text_config,
            towers=self._text_towers(),
            dims={expert.name: expert.extractor.dim for expert in experts},
            experts={one.name: config.choose(layout.configs / "experts", one.name) for one in shown},
            recipes={expert.name: fingerprint(expert.recipe) for expert in shown},
            encoders=self._encoders(text_config),
            labels={expert.name: expert.extractor.labels for expert in experts if expert.extractor.labels},
            label_words=self.label_words.sources(),
            sentence_config=self._sentence_config,
            weights=layout.weights,
        )

    @property
    def _sentence_config(self) -> Path | None:
        """The YAML of the sentence encoder of label words; None where there are none."""
        words = self.label_words
        return config.choose(self.searched.selection.layout.configs / "text", words.text.name) if words.is_on else None

    def _encoders(self, text_config: Path | None) -> dict[str, str]:
        """Name of the YAML of each text encoder in the index -> fingerprint of its recipe."""
        paths = {*self._text_towers().values(), *filter(None, (text_config, self._sentence_config))}
        return {path.stem: fingerprint(self._text(path).recipe) for path in paths}

    def _text(self, path: Path) -> NamedText:
        """The text encoder of a YAML."""
        return registry.text(path.stem, path.parent, self.searched.selection.layout.weights)

    def _text_towers(self) -> dict[str, Path]:
        selection = self.searched.selection
        return registry.text_towers(selection.experts, selection.layout.configs / "text")
