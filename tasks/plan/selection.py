"""What a run selects: a dataset, a model, experts and seeds, as the configs define them. Reads no data."""

import functools
from dataclasses import replace
from pathlib import Path

from extractors import registry
from extractors.registry import NamedExpert, NamedText
from models import config as model_config
from models.config import ModelConfig
from pipeline.datasets import annotations
from pipeline.datasets.annotations import DatasetConfig
from pipeline.datasets.availability import has_videos, is_imported
from pipeline.datasets.cutting import WHOLE
from pipeline.demo.make import DemoSettings
from pipeline.errors import ConfigError
from tasks.parameters import names_in
from tasks.plan.layout import Layout


class Selection:
    """One dataset, one model, and the experts that take part.

    An empty `model` means the default of the dataset, empty `experts` those of the model. ConfigError for a name
    without a YAML.
    """

    def __init__(
        self, layout: Layout, dataset: str, model: str = "", experts: str = "", allow_partial: bool = False
    ) -> None:
        self.layout = layout
        self.dataset = dataset
        self.allow_partial = allow_partial
        settings = annotations.load_dataset(dataset, layout.configs / "datasets")
        self.settings = replace(
            settings,
            allow_partial=settings.allow_partial or allow_partial,
            videos=str(layout.videos(settings.videos)),
            captions=layout.captions(settings.captions),
        )
        self.model_name = model or _default_model(self.settings)
        self._experts = experts

    @property
    def uncut(self) -> "Selection":
        """Of a dataset that is cut into clips: that of its uncut videos."""
        return Selection(self.layout, f"{self.dataset}{WHOLE}", self.model_name, self._experts, self.allow_partial)

    @functools.cached_property
    def model(self) -> ModelConfig:
        """Config of the model."""
        return model_config.load(self.model_name, self.layout.configs / "models")

    @functools.cached_property
    def expert_names(self) -> tuple[str, ...]:
        """Names of the experts that take part, sorted; the selected ones need not be in the model's list."""
        selected = tuple(sorted(set(names_in(self._experts))))
        return selected or tuple(sorted(self.model.experts))

    @functools.cached_property
    def experts(self) -> list[NamedExpert]:
        """The experts that take part, sorted by name."""
        return [self.expert(name) for name in self.expert_names]

    @functools.cached_property
    def text(self) -> NamedText:
        """The model's text encoder."""
        return self.text_encoder(self.model.text)

    def text_encoder(self, name: str) -> NamedText:
        """The text encoder called `name`."""
        return registry.text(name, self.layout.configs / "text", self.layout.weights)

    def seeds(self, typed: str) -> tuple[int, ...]:
        """The seeds that were typed as --seeds, or those of the model where `typed` is empty."""
        try:
            seeds = tuple(int(seed) for seed in typed.split(",") if seed.strip())
        except ValueError:
            raise ConfigError(f"--seeds {typed}: expected whole numbers with commas between, e.g. 0,1,2") from None
        if len(set(seeds)) < len(seeds):
            raise ConfigError(f"--seeds {typed}: names a seed twice")
        return seeds or self.model.training.seeds

    @property
    def training_splits(self) -> str:
        """The splits without which a training cannot end, with commas between; of those joined by + one is enough."""
        if self.model.architecture.head == "zero_shot":
            return "train+val+test"
        return "train,val" if self.model.training.selection == "validation" else "train+val,test"

    @property
    def demo_settings(self) -> DemoSettings:
        """Settings of the demo videos; ConfigError for a dataset that is no demo."""
        if self.settings.demo is None:
            raise ConfigError(
                f"configs/datasets/{self.dataset}.yaml has no 'demo' block: its videos are found, not made"
            )
        return self.settings.demo

    @property
    def demo_folder(self) -> Path:
        """Folder of the demo: its captions, and the folder of its videos."""
        return Path(self.settings.videos).parent

    @property
    def collection(self) -> str:
        """Name under which imported features of the dataset are stored; datasets of the same videos share it."""
        return self.settings.released.collection if self.settings.released else self.dataset

    def expert(self, name: str) -> NamedExpert:
        """The expert called `name`."""
        return read_expert(name, self.layout.configs / "experts", self.layout.weights)


read_expert = functools.lru_cache(maxsize=256)(registry.expert)
"""The expert of a YAML, read once per process."""


def is_unknown(named: NamedExpert | NamedText) -> bool:
    """Whether the recipe names weights by content, and they were never here: any of its stores may be the right one."""
    plugin = named.extractor if isinstance(named, NamedExpert) else named.encoder
    return bool(plugin.unknown_parts())


def _default_model(settings: DatasetConfig) -> str:
    """The dataset's model; where there are released features but no videos, the model for these features."""
    if settings.released and is_imported(settings) and not has_videos(settings):
        return settings.released.model
    return settings.model
