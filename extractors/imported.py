"""Placeholder for features from a released archive, which `luigi --module tasks ImportExperts` imports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, Extractor, Need, TextEncoder
from pipeline import config
from pipeline.errors import ExtractionError


@dataclass(frozen=True)
class Params:
    """The file in a released archive, and the dimension of its features."""

    __pydantic_config__ = config.STRICT
    dim: int
    files: tuple[tuple[str, ...], ...]
    """Alternatives, of which the first that exists is used. Each lists patterns `folder/file` (* matches anything); the
    vectors of its files are concatenated."""

    def __post_init__(self) -> None:
        if self.dim < 1 or not self.files or not all(self.files):
            raise ValueError("dim must be at least 1 and files must name at least one file")


EncoderParams = Params


class Expert(Extractor):
    """Features that are imported; it has a dimension and raises ExtractionError for the rest."""

    version = 1

    @property
    def dim(self) -> int:
        """D, from the YAML."""
        return int(self.params.dim)

    @property
    def need(self) -> Need:
        """Raises ExtractionError."""
        _refuse()

    def prepare(self, view: Any) -> NDArray[Any]:
        """Raises ExtractionError."""
        _refuse()

    def embed(self, items: NDArray[Any]) -> Embedded:
        """Raises ExtractionError."""
        _refuse()


class Encoder(TextEncoder):
    """Token vectors that are imported; raises ExtractionError when it is to encode a text."""

    version = 1

    @property
    def dim(self) -> int:
        """D, from the YAML."""
        return int(self.params.dim)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Raises ExtractionError."""
        raise ExtractionError(
            f"{len(texts)} captions are not in the imported text features, e.g. {texts[0]!r}; they were made from the "
            "captions of the released archive: import it (ImportExperts), and move the owners' annotation files away, "
            "or use a model with a text encoder of its own"
        )


def _refuse() -> NoReturn:
    raise ExtractionError("these features are imported, not extracted: luigi --module tasks ImportExperts")
