"""The text encoders of an index, loaded once a process."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.weights import cache
from pipeline.weights.files import WeightOptions

if TYPE_CHECKING:
    from extractors.base import TextEncoder


@lru_cache(maxsize=8)
def load(folder: Path, name: str, options: WeightOptions) -> "TextEncoder":
    """The encoder called `name` as the index at `folder` keeps its YAML, ready on the CPU."""
    from extractors import registry

    named = registry.text(name, folder / "text", options)
    cache.ensure(registry.weight_files([named.encoder]), options)
    named.encoder.load("cpu")
    return named.encoder
