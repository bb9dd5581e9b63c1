"""Finds experts and text encoders by name: configs/experts/<name>.yaml names a module of this folder."""

import dataclasses
import functools
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from extractors.base import Extractor, TextEncoder
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.fingerprint import Recipe
from pipeline.video import DECODE_VERSION

PASS_VERSION = 1
"""Raised by hand when `views.py` or `fused.py` change what an expert is shown."""

EXPERTS = Path("configs/experts")
TEXTS = Path("configs/text")


@dataclass(frozen=True)
class Runtime:
    """Speed only, never fingerprinted."""

    __pydantic_config__ = config.STRICT
    batch_size: int = 64
    """Items that `embed` is given at once."""


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
    runtime: Runtime = field(default_factory=Runtime)
    model: Pooling = field(default_factory=Pooling)


@dataclass(frozen=True)
class TextConfig:
    """configs/text/<name>.yaml"""

    __pydantic_config__ = config.STRICT
    encoder: str
    """Module in extractors/."""
    params: dict[str, Any] = field(default_factory=dict)
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


def expert(name: str, folder: Path = EXPERTS) -> NamedExpert:
    """The expert called `name`, with every default of its parameters filled in, so that its recipe is complete."""
    path = config.choose(folder, name)
    settings = config.load(ExpertConfig, path)
    module = _module(settings.extractor, f"{path}: key 'extractor'", "Expert")
    params = config.parse(module.Params, settings.params, f"{path}: params")
    extractor: Extractor = module.Expert(params)
    recipe = _recipe(settings.extractor, extractor.version, params)
    # What is decoded, and how it is cut, decides the features as much as the extractor does.
    recipe |= {"decode": [DECODE_VERSION, PASS_VERSION], "weights": extractor.weights}
    return NamedExpert(name, settings, extractor, recipe)


@functools.lru_cache(maxsize=64)
def rebuild(expert_id: ExpertId) -> Extractor:
    """The expert in another process; made once there."""
    module = importlib.import_module(f"extractors.{expert_id.module}")
    extractor: Extractor = module.Expert(expert_id.params)
    return extractor


def text(name: str, folder: Path = TEXTS) -> NamedText:
    """The text encoder called `name`."""
    path = config.choose(folder, name)
    settings = config.load(TextConfig, path)
    module = _module(settings.encoder, f"{path}: key 'encoder'", "Encoder")
    params = config.parse(module.EncoderParams, settings.params, f"{path}: params")
    encoder: TextEncoder = module.Encoder(params)
    return NamedText(name, settings, encoder, _recipe(settings.encoder, encoder.version, params))


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
