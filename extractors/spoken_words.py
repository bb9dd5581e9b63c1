"""What is said: the words of the subtitles as hashed vectors."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, Extractor, SubtitleNeed, WordView
from extractors.words import EncoderParams, tokens, vectors
from pipeline import config


@dataclass(frozen=True)
class Params:
    """Settings of the speech expert."""

    __pydantic_config__ = config.STRICT
    words: EncoderParams = field(default_factory=EncoderParams)
    """Must be those of the text encoder, for a word said to match a word searched."""


class Expert(Extractor):
    """A unit vector for each word said; "well-known" counts as two, a lone dash as none."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """D, the length of a word vector."""
        return self.params.words.dim

    @property
    def need(self) -> SubtitleNeed:
        """The words of the subtitles."""
        return SubtitleNeed()

    def prepare(self, view: WordView) -> NDArray[np.str_]:
        """(N,), the words as they are written."""
        return view.words

    def embed(self, items: NDArray[np.str_]) -> Embedded:
        """(R, D) vectors, with extras `text` (R,), the word without its punctuation."""
        split = [tokens(str(item)) for item in items]
        text = [word for item in split for word in item]
        item_index = np.repeat(np.arange(len(items)), [len(item) for item in split])
        return Embedded(
            vectors(text, self.params.words), item_index.astype(np.int64), {"text": np.array(text, np.str_)}
        )
