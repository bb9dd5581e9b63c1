"""Loads the text encoders of an index, each once in a process: the trained experts and the frames share them."""

import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ExtractionError, PipelineError
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights import cache
from pipeline.weights.files import WeightOptions
from search.index.folder import Facts

if TYPE_CHECKING:
    from extractors.base import TextEncoder


@dataclass(frozen=True)
class TextEncoders:
    """The text encoders of the index in `folder`; `weights` says where their weights are now."""

    folder: Path
    facts: Facts
    weights: WeightOptions

    def encode(self, name: str, text: str) -> NDArray[np.float32]:
        """(W, D) token vectors of `text` by the encoder called `name`.

        PipelineError when it cannot be loaded or run, or is another one than the index was built with.
        """
        return self._encode(name, text, of_tokens=False)

    def encode_tokens(self, name: str, text: str) -> NDArray[np.float32]:
        """(W, D), of length 1, the tokens of `text` by a text tower, in the space of its expert; as `encode` else."""
        return self._encode(name, text, of_tokens=True)

    def _encode(self, name: str, text: str, of_tokens: bool) -> NDArray[np.float32]:
        options = replace(self.weights, seeded=self.facts.seeded)
        try:
            expected = self.facts.encoders.get(name, "")
            return _encoded(self.folder, name, options, expected, text, of_tokens).copy()
        except PipelineError:
            raise
        except Exception as error:  # a broken package can raise anything, and other engines can still answer
            told = " ".join(f"{type(error).__name__}: {error}".split())
            raise ExtractionError(f"text encoder {name} cannot be used ({told}); reinstall its package") from error


_loading = threading.Lock()
"""Two queries that come first at the same time would each load the network."""


@lru_cache(maxsize=256)
def _encoded(
    folder: Path, name: str, options: WeightOptions, expected: str, text: str, of_tokens: bool
) -> NDArray[np.float32]:
    """Kept, since several engines ask for the same text, and so does each further page and each move of a slider."""
    with _loading:
        encoder = load(folder, name, options, expected)
    return (encoder.encode_tokens if of_tokens else encoder.encode)([text])[0]


@lru_cache(maxsize=8)
def load(folder: Path, name: str, options: WeightOptions, expected: str = "") -> "TextEncoder":
    """The encoder whose YAML is text/`name`.yaml in the index at `folder`, loaded on the CPU for queries.

    ExtractionError when its recipe has another fingerprint than `expected`; empty: any.
    """
    from extractors import registry

    named = registry.text(name, folder / "text", options)
    if expected and fingerprint(named.recipe) != expected:
        raise ExtractionError(f"text encoder {name} is not as the index was built with; run BuildIndex again")
    cache.ensure(registry.weight_files([named.encoder]), options)
    named.encoder.load_for_queries()
    return named.encoder
