"""What experts whose rows are words have in common: how a word that was read or heard becomes a vector."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator

from extractors.base import Embedded, Extractor
from extractors.text.hashed_words import EncoderParams as Hashed
from extractors.word_vectors import Encoder, EncoderParams
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.weights.files import WeightFile


def _parse(told: Any) -> Hashed | EncoderParams:
    if isinstance(told, Hashed | EncoderParams):
        return told
    if not isinstance(told, dict):
        raise ValueError("must be a mapping")
    kind: type[Any] = EncoderParams if {"source", "max_words"} & told.keys() else Hashed
    try:
        parsed: Hashed | EncoderParams = config.parse(kind, told, "words")
    except ConfigError as error:
        raise ValueError(str(error).removeprefix("words: ")) from None
    return parsed


WordParams = Annotated[Hashed | EncoderParams, PlainValidator(_parse)]
"""The settings under `words:`. Where no source is named words are hashed, and no more than that is in the recipe."""


class WordExpert(Extractor):
    """An expert with a vector for each word, as `params.words` says."""

    @property
    def dim(self) -> int:
        """D, the length of a word vector."""
        return int(self.params.words.dim)

    @property
    def _words(self) -> Encoder:
        settings = self.params.words
        if isinstance(settings, Hashed):
            settings = EncoderParams(dim=settings.dim, shortest=settings.shortest, longest=settings.longest)
        return Encoder(settings, self.source)

    @property
    def weights(self) -> dict[str, str]:
        """Those that find the words, and those of the vectors."""
        return super().weights | self._words.weights

    def weight_files(self) -> dict[str, WeightFile]:
        """As `weights`."""
        return super().weight_files() | self._words.weight_files()

    def load(self, device: str) -> None:
        """Get what finds the words ready, and the vectors."""
        super().load(device)
        self._vectors = self._words
        self._vectors.load(device)

    def embed_words(
        self,
        text: Sequence[str],
        item_index: Sequence[int],
        extras: dict[str, NDArray[Any]],
        times_s: NDArray[np.float64] | None = None,
    ) -> Embedded:
        """The vectors (R, D) of the words that have one, with the extra `text` and what else is told of all words."""
        values, known = self._vectors.known_vectors(text)
        told = {"text": np.array(text, np.str_), **extras}
        return Embedded(
            values,
            np.array(item_index, np.int64)[known],
            {name: beside[known] for name, beside in told.items()},
            None if times_s is None else times_s[known],
        )
