"""What was chosen: a dataset, a model, its experts and seeds, as the configs say. Nothing of the data is looked at."""

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
from pipeline.demo.make import DemoSettings
from pipeline.errors import ConfigError
from tasks.parameters import names_in
from tasks.plan.layout import Layout


class Choice:
    """One dataset, one model, and the experts chosen for it."""

    def __init__(
        self, layout: Layout, dataset: str, model: str = "", experts: str = "", allow_partial: bool = False
    ) -> None:
        self.layout = layout
        self.dataset = dataset
        settings = annotations.load_dataset(dataset, layout.configs / "datasets")
        self.settings = replace(settings, allow_partial=settings.allow_partial or allow_partial)
        self.model_name = model or _default_model(self.settings)
        self._chosen = experts

    @functools.cached_property
    def model(self) -> ModelConfig:
        """The model's config."""
        return model_config.load(self.model_name, self.layout.configs / "models")

    @functools.cached_property
    def expert_names(self) -> tuple[str, ...]:
        """The experts that take part, sorted: those that were chosen, also beyond the model's list, or the model's."""
        chosen = tuple(sorted(set(names_in(self._chosen))))
        return chosen or tuple(sorted(self.model.experts))

    @functools.cached_property
    def experts(self) -> list[NamedExpert]:
        """The experts that take part."""
        return [self.expert(name) for name in self.expert_names]

    @functools.cached_property
    def text(self) -> NamedText:
        """The model's text encoder."""
        return registry.text(self.model.text, self.layout.configs / "text", self.layout.weights)

    def seeds(self, chosen: str) -> tuple[int, ...]:
        """The seeds named on the command line, or those of the model."""
        try:
            seeds = tuple(int(seed) for seed in chosen.split(",") if seed.strip())
        except ValueError:
            raise ConfigError(f"--seeds {chosen}: expected whole numbers with commas between, e.g. 0,1,2") from None
        if len(set(seeds)) < len(seeds):
            raise ConfigError(f"--seeds {chosen}: names a seed twice")
        return seeds or self.model.training.seeds

    @property
    def demo_settings(self) -> DemoSettings:
        """How the demo is made; ConfigError for a dataset that is no demo."""
        if self.settings.demo is None:
            raise ConfigError(
                f"configs/datasets/{self.dataset}.yaml has no 'demo' block: its videos are found, not made"
            )
        return self.settings.demo

    @property
    def demo_folder(self) -> Path:
        """The demo's captions lie beside its folder of videos."""
        return Path(self.settings.videos).parent

    def expert(self, name: str) -> NamedExpert:
        """The expert called `name`."""
        return read_expert(name, self.layout.configs / "experts", self.layout.weights)


read_expert = functools.lru_cache(maxsize=256)(registry.expert)
"""The expert of a YAML, read once a process."""


def _default_model(settings: DatasetConfig) -> str:
    """The dataset's own; with released features and no videos the one that is made for those."""
    if settings.released and is_imported(settings) and not has_videos(settings):
        return settings.released.model
    return settings.model
