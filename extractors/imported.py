"""Stands for features that were extracted by others: its rows are imported (luigi --module tasks ImportExperts)."""

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
    """Which file of a released archive, and what is in it."""

    __pydantic_config__ = config.STRICT
    dim: int
    files: tuple[tuple[str, ...], ...]
    """Alternatives `folder/file` with * for anything, the first that is there counts; the vectors of several files in
    one alternative are joined."""

    def __post_init__(self) -> None:
        if self.dim < 1 or not self.files or not all(self.files):
            raise ValueError("dim must be at least 1 and files must name at least one file")


EncoderParams = Params


class Expert(Extractor):
    """Features without an extractor."""

    version = 1

    @property
    def dim(self) -> int:
        """As the YAML says."""
        return int(self.params.dim)

    @property
    def need(self) -> Need:
        """Nothing can be shown to it."""
        _refuse()

    def prepare(self, view: Any) -> NDArray[Any]:
        """Nothing can be shown to it."""
        _refuse()

    def embed(self, items: NDArray[Any]) -> Embedded:
        """It cannot."""
        _refuse()


class Encoder(TextEncoder):
    """Token vectors without an encoder."""

    version = 1

    @property
    def dim(self) -> int:
        """As the YAML says."""
        return int(self.params.dim)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """It cannot."""
        raise ExtractionError(
            f"{len(texts)} captions are not in the imported text features, e.g. {texts[0]!r}; they were made from the "
            "captions of the released archive: import it (ImportExperts), and move the owners' annotation files away, "
            "or use a model with a text encoder of its own"
        )


def _refuse() -> NoReturn:
    raise ExtractionError("these features are imported, not extracted: luigi --module tasks ImportExperts")
