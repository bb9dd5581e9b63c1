"""Finds experts and text encoders by name: configs/experts/<name>.yaml names a module of this folder."""

import dataclasses
import functools
import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from extractors.base import Extractor, TextEncoder
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.media.video import DECODE_VERSION
from pipeline.released.feature_import import IMPORTED
from pipeline.stores.fingerprint import Recipe
from pipeline.weights.files import SEEDED, WeightFile, WeightOptions, WeightSource

PASS_VERSION = 1
"""Raised by hand when the room `extraction` changes what an expert is shown."""

EXPERTS = Path("configs/experts")
TEXTS = Path("configs/text")


@dataclass(frozen=True)
class Runtime:
    """Speed only, never fingerprinted."""

    __pydantic_config__ = config.STRICT
    batch_size: int = 64
    """Items that `embed` is given at once."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Of the networks' products; auto: bf16 on a GPU that has it, else fp32."""
    compile: bool = False
    """Through torch.compile: a minute or more at the start, faster from then on."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError("batch_size must be at least 1")


Weights = Literal["released", "seeded"] | dict[str, WeightFile]
"""released: as the network's library knows them; seeded: stand-ins; or part -> file."""


@dataclass(frozen=True)
class Pooling:
    """How a model turns the rows of a video into one vector: their mean, or NetVLAD over the first `max_tokens`."""

    __pydantic_config__ = config.STRICT
    pool: Literal["mean", "vlad"] = "mean"
    clusters: int = 0
    max_tokens: int = 0

    def __post_init__(self) -> None:
        if self.pool == "vlad" and (self.clusters < 1 or self.max_tokens < 1):
            raise ValueError("pool: vlad needs clusters and max_tokens of at least 1")


@dataclass(frozen=True)
class ExpertConfig:
    """configs/experts/<name>.yaml"""

    __pydantic_config__ = config.STRICT
    extractor: str
    """Module in extractors/."""
    modality: str
    """rgb, flow, audio, face, ocr, speech, scene, or a new one."""
    params: dict[str, Any] = field(default_factory=dict)
    """Decide the features; fingerprinted."""
    weights: Weights = "released"
    runtime: Runtime = field(default_factory=Runtime)
    model: Pooling = field(default_factory=Pooling)


@dataclass(frozen=True)
class TextConfig:
    """configs/text/<name>.yaml"""

    __pydantic_config__ = config.STRICT
    encoder: str
    """Module in extractors/."""
    params: dict[str, Any] = field(default_factory=dict)
    weights: Weights = "released"
    runtime: Runtime = field(default_factory=Runtime)


@dataclass(frozen=True)
class ExpertId:
    """All that a decode worker needs to make an expert: plain, small, and hashable."""

    name: str
    module: str
    params: Any


@dataclass(frozen=True)
class NamedExpert:
    """An expert ready to run: its name, its config, its extractor."""

    name: str
    config: ExpertConfig
    extractor: Extractor
    recipe: Recipe

    @property
    def is_imported(self) -> bool:
        """Whether its features come from an archive, not from videos."""
        return self.config.extractor == IMPORTED

    @property
    def id(self) -> ExpertId:
        """What a decode worker rebuilds it from."""
        return ExpertId(self.name, self.config.extractor, self.extractor.params)


@dataclass(frozen=True)
class NamedText:
    """A text encoder ready to run."""

    name: str
    config: TextConfig
    encoder: TextEncoder
    recipe: Recipe


def expert(name: str, folder: Path = EXPERTS, options: WeightOptions | None = None) -> NamedExpert:
    """The expert called `name`, with every default of its parameters filled in, so that its recipe is complete."""
    path = config.choose(folder, name)
    settings = config.load(ExpertConfig, path)
    module = _module(settings.extractor, f"{path}: key 'extractor'", "Expert")
    params = config.parse(module.Params, settings.params, f"{path}: params")
    extractor: Extractor = module.Expert(params, _source(settings.weights, options))
    recipe = _recipe(settings.extractor, extractor.version, params)
    if settings.extractor != IMPORTED:
        # What is decoded, and how it is cut, decides the features as much as the extractor does.
        recipe |= {"decode": [DECODE_VERSION, PASS_VERSION], "weights": _weights(extractor, str(path))}
    return NamedExpert(name, settings, extractor, recipe)


@functools.lru_cache(maxsize=64)
def rebuild(expert_id: ExpertId) -> Extractor:
    """The expert in another process; made once there."""
    module = importlib.import_module(f"extractors.{expert_id.module}")
    extractor: Extractor = module.Expert(expert_id.params)
    return extractor


def text(name: str, folder: Path = TEXTS, options: WeightOptions | None = None) -> NamedText:
    """The text encoder called `name`."""
    path = config.choose(folder, name)
    settings = config.load(TextConfig, path)
    module = _module(settings.encoder, f"{path}: key 'encoder'", "Encoder")
    params = config.parse(module.EncoderParams, settings.params, f"{path}: params")
    encoder: TextEncoder = module.Encoder(params, _source(settings.weights, options))
    recipe = _recipe(settings.encoder, encoder.version, params)
    weights = _weights(encoder, str(path))
    return NamedText(name, settings, encoder, recipe | ({"weights": weights} if weights else {}))


def weight_files(extractors: Iterable[Extractor | TextEncoder]) -> list[WeightFile]:
    """All files of weights that these will read."""
    return [file for extractor in extractors for file in extractor.weight_files().values()]


def is_seeded(recipe: Recipe) -> bool:
    """Whether any part of it runs on stand-ins, so that its features mean nothing."""
    return SEEDED in recipe.get("weights", {}).values()


def _source(weights: Weights, options: WeightOptions | None) -> WeightSource:
    files = weights if isinstance(weights, dict) else {}
    return WeightSource(options or WeightOptions(), files, always_seeded=weights == SEEDED)


def _weights(extractor: Extractor | TextEncoder, where: str) -> dict[str, str]:
    """What its weights are; ConfigError for a file of a part that it does not have."""
    parts = extractor.weights
    for part in extractor.source.files:
        if part not in parts:
            known = f"it has {', '.join(parts)}" if parts else "it has none"
            raise ConfigError(f"{where}: weights: no part {part!r} in this network; {known}")
    return parts


def _recipe(module: str, version: int, params: Any) -> Recipe:
    return {"extractor": module, "version": version, "params": dataclasses.asdict(params)}


def _module(name: str, where: str, kind: str) -> ModuleType:
    if not name.isidentifier():
        raise ConfigError(f"{where}: {name!r} is not the name of a module in extractors/")
    full_name = f"extractors.{name}"
    try:
        module = importlib.import_module(full_name)
    except ModuleNotFoundError as error:
        if error.name == full_name:
            raise ConfigError(f"{where}: there is no extractors/{name}.py") from None
        raise ConfigError(f"{where}: extractors/{name}.py needs the package {error.name!r}: pip install it") from None
    if not hasattr(module, kind):
        raise ConfigError(f"{where}: extractors/{name}.py has no class {kind}")
    return module
