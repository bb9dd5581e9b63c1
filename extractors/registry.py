"""Builds experts and text encoders by name from configs/experts/<name>.yaml and configs/text/<name>.yaml."""

import dataclasses
import functools
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from extractors.base import Extractor, Plugin, TextEncoder, TokenEncoder
from extractors.configs import ExpertConfig, TextConfig
from extractors.labels.settings import LabelSettings
from extractors.shown.needs import means_areas
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.media.shrinking import SHRINK_VERSION
from pipeline.media.video import DECODE_VERSION
from pipeline.released.feature_import import IMPORTED
from pipeline.stores.fingerprint import Recipe
from pipeline.weights.files import SEEDED, WeightFile, WeightOptions, WeightSource

PASS_VERSION = 1
"""Incremented by hand when `extraction/` changes which frames, samples or words an expert gets."""

EXPERTS = Path("configs/experts")
TEXTS = Path("configs/text")
TOKENS = ".tokens"
"""Behind the name of a text tower: the encoder that gives the vectors of its tokens, without a YAML of its own."""


@dataclass(frozen=True)
class ExpertId:
    """All that a decode worker needs to build an extractor: picklable, small and hashable."""

    name: str
    module: str
    params: Any


@dataclass(frozen=True)
class NamedExpert:
    """An expert with its config, its extractor and its recipe."""

    name: str
    config: ExpertConfig
    extractor: Extractor
    settings: Recipe
    """The recipe without the weights."""

    @property
    def recipe(self) -> Recipe:
        """All that decides the features.

        Of a file of weights without a checksum in the YAML its content is part of it: the recipe changes when the file
        arrives, which is before any stage that uses it begins, and not again in the same run.
        """
        return self.settings if self.is_imported else self.settings | {"weights": self.extractor.weights}

    @property
    def is_imported(self) -> bool:
        """Whether the features are imported from an archive instead of extracted from videos."""
        return self.config.extractor == IMPORTED

    @property
    def network(self) -> str:
        """The name of its network, or of its extractor where there is none."""
        return str(getattr(self.extractor.params, "network", "")) or self.config.extractor

    @property
    def id(self) -> ExpertId:
        """From which a decode worker builds the extractor again."""
        return ExpertId(self.name, self.config.extractor, self.extractor.params)


@dataclass(frozen=True)
class NamedText:
    """A text encoder with its config and its recipe."""

    name: str
    config: TextConfig
    encoder: TextEncoder
    settings: Recipe
    """The recipe without the weights."""

    @property
    def recipe(self) -> Recipe:
        """All that decides the token vectors, in the same way as for an expert."""
        weights = self.encoder.weights
        return self.settings | ({"weights": weights} if weights else {})


def expert(name: str, folder: Path = EXPERTS, options: WeightOptions | None = None) -> NamedExpert:
    """The expert called `name`; its recipe holds all parameters, defaults included. ConfigError for a bad YAML."""
    path = config.choose(folder, name)
    settings = config.load(ExpertConfig, path)
    extractor: Extractor
    extractor, recipe = _build(path, settings, _EXPERT, options)
    if settings.extractor != IMPORTED:
        _check_parts(extractor, path)
        # Decoding, sampling and resizing decide the features as much as the extractor does.
        shrinking = [SHRINK_VERSION] if means_areas(extractor.need) else []
        recipe |= {"decode": [DECODE_VERSION, PASS_VERSION, *shrinking]}
        recipe |= {"precision": settings.precision} if settings.precision != "fp32" else {}
    if settings.labels:
        recipe |= {"labels": _checked_labels(settings.labels, extractor, path)}
        extractor.label_settings = settings.labels
    extractor.runtime, extractor.precision = settings.runtime, settings.precision
    return NamedExpert(name, settings, extractor, recipe)


def text(name: str, folder: Path = TEXTS, options: WeightOptions | None = None) -> NamedText:
    """The text encoder called `name`, in the same way as `expert`; with TOKENS behind it that of a tower's tokens."""
    path = config.choose(folder, tower_of(name))
    settings = config.load(TextConfig, path)
    encoder: TextEncoder
    encoder, recipe = _build(path, settings, _TEXT, options)
    _check_parts(encoder, path)
    if name != tower_of(name):
        encoder, recipe = TokenEncoder(encoder), recipe | {"tokens": encoder.token_version}
    return NamedText(name, settings, encoder, recipe)


def tower_of(name: str) -> str:
    """The name of the YAML of a text encoder."""
    return name.removesuffix(TOKENS)


def text_towers(experts: Iterable[NamedExpert], folder: Path) -> dict[str, Path]:
    """Expert that is aligned with text -> the YAML in `folder` of its text tower, whose vectors are in its space."""
    texts = {path: config.load(TextConfig, path) for path in config.paths(folder)}
    pairs = ((expert, path) for expert in experts for path in texts)
    return {expert.name: path for expert, path in pairs if _is_text_tower(texts[path], expert.config)}


def _is_text_tower(text: TextConfig, expert: ExpertConfig) -> bool:
    """Whether a text encoder is the text half of an expert: both name one module, and one network at one commit.

    What was imported names no network: nobody knows in which space it lies.
    """
    if text.encoder != expert.extractor or not expert.params.get("network"):
        return False
    return all(text.params.get(key) == expert.params.get(key) for key in ("network", "revision"))


@functools.lru_cache(maxsize=64)
def rebuild(expert_id: ExpertId) -> Extractor:
    """The extractor in a decode worker; built once per process."""
    module = importlib.import_module(f"extractors.{expert_id.module}")
    extractor: Extractor = module.Expert(expert_id.params)
    return extractor


def weight_files(plugins: Iterable[Plugin]) -> list[WeightFile]:
    """All files of weights that these extractors and text encoders read."""
    return [file for plugin in plugins for file in plugin.weight_files().values()]


def licences(files: Iterable[WeightFile]) -> str:
    """The different licences of these files, as far as they are stated, with commas between."""
    return ", ".join(dict.fromkeys(file.licence for file in files if file.licence))


def is_seeded(recipe: Recipe) -> bool:
    """Whether any part of the network runs on stand-in weights, so that the features mean nothing."""
    return SEEDED in recipe.get("weights", {}).values()


@dataclass(frozen=True)
class _Kind:
    """Names by which a YAML and a module refer to an extractor or a text encoder."""

    key: str
    """Key of the YAML that names the module."""
    class_name: str
    params_name: str


_EXPERT = _Kind("extractor", "Expert", "Params")
_TEXT = _Kind("encoder", "Encoder", "EncoderParams")


def _build(
    path: Path, settings: ExpertConfig | TextConfig, kind: _Kind, options: WeightOptions | None
) -> tuple[Any, Recipe]:
    """The extractor or text encoder that the YAML at `path` describes, and the common part of its recipe."""
    name = getattr(settings, kind.key)
    module = _module(name, f"{path}: key {kind.key!r}", kind.class_name)
    params = config.parse(getattr(module, kind.params_name), settings.params, f"{path}: params")
    files = settings.weights if isinstance(settings.weights, dict) else {}
    source = WeightSource(options or WeightOptions(), files, always_seeded=settings.weights == SEEDED)
    plugin = getattr(module, kind.class_name)(params, source)
    return plugin, {"extractor": name, "version": plugin.version, "params": _told(params)}


def _told(params: Any) -> Recipe:
    """All parameters for a recipe, defaults included, but for one of `config.LATER` that is not set."""
    told = dataclasses.asdict(params)
    later = (one for one in dataclasses.fields(params) if one.metadata == config.LATER)
    unset = {one.name for one in later if told[one.name] == one.default}
    return {name: value for name, value in told.items() if name not in unset}


def _check_parts(plugin: Plugin, path: Path) -> None:
    """Raises ConfigError where no weights can be named for the parameters, or for a part that the network lacks."""
    try:
        parts = plugin.weights
    except ValueError as error:
        raise ConfigError(f"{path}: params: {error}") from None
    plugin.source.contents.clear()  # only what a recipe stands for counts
    for part in plugin.source.files:
        if part not in parts:
            known = f"it has {', '.join(parts)}" if parts else "it has none"
            raise ConfigError(f"{path}: weights: no part {part!r} in this network; {known}")


def _checked_labels(labels: LabelSettings, extractor: Extractor, path: Path) -> Recipe:
    """The recipe of the labels; ConfigError where the extractor cannot keep them."""
    if problem := labels.problem(extractor.num_classes):
        raise ConfigError(f"{path}: labels: {problem}")
    return labels.recipe


def _module(name: str, where: str, class_name: str) -> ModuleType:
    """The module extractors/<name>.py; ConfigError, which starts with `where`, if it cannot be used."""
    if not name.isidentifier():
        raise ConfigError(f"{where}: {name!r} is not the name of a module in extractors/")
    full_name = f"extractors.{name}"
    try:
        module = importlib.import_module(full_name)
    except ModuleNotFoundError as error:
        if error.name == full_name:
            raise ConfigError(f"{where}: there is no extractors/{name}.py") from None
        raise ConfigError(f"{where}: extractors/{name}.py needs the package {error.name!r}: pip install it") from None
    if not hasattr(module, class_name):
        raise ConfigError(f"{where}: extractors/{name}.py has no class {class_name}")
    return module
