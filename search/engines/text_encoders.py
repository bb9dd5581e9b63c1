"""Loads the text encoders of an index, each once in a process: the trained experts and the frames share them."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.weights import cache
from pipeline.weights.files import WeightOptions

if TYPE_CHECKING:
    from extractors.base import TextEncoder


@lru_cache(maxsize=8)
def load(folder: Path, name: str, options: WeightOptions) -> "TextEncoder":
    """The encoder whose YAML is text/`name`.yaml in the index at `folder`, loaded on the CPU."""
    from extractors import registry

    named = registry.text(name, folder / "text", options)
    cache.ensure(registry.weight_files([named.encoder]), options)
    named.encoder.load("cpu")
    return named.encoder
