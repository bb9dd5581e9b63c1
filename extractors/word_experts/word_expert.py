"""Base class of experts whose rows are words: turns words from OCR, subtitles or speech into vectors."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator

from extractors.base import Embedded, Extractor
from extractors.text.hashed_words import EncoderParams as HashedParams
from extractors.word_experts import segments
from extractors.word_vectors import Encoder, EncoderParams, SegmentParams
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores.parts import Features
from pipeline.weights.files import WeightFile


def _parse(settings: Any, plain: type[HashedParams | EncoderParams]) -> HashedParams | EncoderParams:
    if isinstance(settings, HashedParams | EncoderParams):
        return settings
    if not isinstance(settings, dict):
        raise ValueError("must be a mapping")
    kind: type[Any] = EncoderParams if {"source", "max_words"} & settings.keys() else plain
    if settings.get("unit") == "word":
        settings = {name: value for name, value in settings.items() if name != "unit"}
    elif {"unit", "silence_s", "longest_s", "merge_s"} & settings.keys():
        kind = SegmentParams
    try:
        parsed: HashedParams | EncoderParams = config.parse(kind, settings, "words")
    except ConfigError as error:
        raise ValueError(str(error).removeprefix("words: ")) from None
    return parsed


WordParams = Annotated[HashedParams | EncoderParams, PlainValidator(lambda settings: _parse(settings, HashedParams))]
"""Settings under `words:`. Without `source` and `max_words`, those of hashed vectors alone, so that recipes stay; with
`unit: segment` one vector for each segment, line or sentence."""

AnyWordParams = Annotated[EncoderParams, PlainValidator(lambda settings: _parse(settings, EncoderParams))]
"""The same for experts whose recipes always had all settings."""


class WordExpert(Extractor):
    """An expert with one vector for each word, by the encoder that `params.words` selects."""

    @property
    def dim(self) -> int:
        """D, the length of a word vector."""
        return int(self.params.words.dim)

    @property
    def _encoder(self) -> Encoder:
        settings = self.params.words
        if isinstance(settings, HashedParams):
            settings = EncoderParams(dim=settings.dim, shortest=settings.shortest, longest=settings.longest)
        return Encoder(settings, self.source)

    @property
    def weights(self) -> dict[str, str]:
        """Those of the network that finds the words, and those of the vectors."""
        return super().weights | self._encoder.weights

    def weight_files(self) -> dict[str, WeightFile]:
        """Those of the network that finds the words, and those of the vectors."""
        return super().weight_files() | self.vector_files()

    def vector_files(self) -> dict[str, WeightFile]:
        """Those of the vectors alone."""
        return self._encoder.weight_files()

    def unknown_parts(self) -> list[str]:
        """Those of the network that finds the words, and those of the vectors."""
        return super().unknown_parts() + self._encoder.unknown_parts()

    def load(self, device: str) -> None:
        """Load the network that finds the words, and the word vectors."""
        super().load(device)
        self.load_vectors(device)

    def load_vectors(self, device: str) -> None:
        """Load the word vectors."""
        self._vectors = self._encoder
        self._vectors.load(device)

    def finish(self, features: Features) -> Features:
        """With `unit: segment` one row for each segment or line; otherwise the rows as they are."""
        settings = self.params.words
        if not isinstance(settings, SegmentParams) or not len(features.values):
            return features
        cuts = segments.Cuts(settings.silence_s, settings.longest_s, settings.merge_s)
        return segments.join(features, cuts, self._vectors.sentence_vectors)

    def embed_words(
        self,
        words: Sequence[str],
        item_index: Sequence[int],
        extras: dict[str, NDArray[Any]],
        times_s: NDArray[np.float64] | None = None,
    ) -> Embedded:
        """One row for each known word, with the extra `text`; the arguments have one entry for every word.

        With `unit: segment` the vectors are zeros until `finish` has seen the whole video.
        """
        if isinstance(self.params.words, SegmentParams):
            values, known = np.zeros((len(words), self.dim), np.float32), np.arange(len(words), dtype=np.int64)
        else:
            values, known = self._vectors.known_vectors(words)
        all_extras = {"text": np.array(words, np.str_), **extras}
        return Embedded(
            values,
            np.array(item_index, np.int64)[known],
            {name: extra[known] for name, extra in all_extras.items()},
            None if times_s is None else times_s[known],
        )
