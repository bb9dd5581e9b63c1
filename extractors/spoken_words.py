"""What is said: the words of the subtitles as vectors."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, SubtitleNeed, WordView
from extractors.text.hashed_words import EncoderParams
from extractors.text.tokens import tokens
from extractors.word_experts.word_expert import WordExpert, WordParams
from pipeline import config


@dataclass(frozen=True)
class Params:
    """Settings of the speech expert."""

    __pydantic_config__ = config.STRICT
    words: WordParams = field(default_factory=EncoderParams)
    """Must be those of the text encoder, for a word said to match a word searched. Other sources than hashing: as in
    word_vectors.py."""


class Expert(WordExpert):
    """A vector for each word said; "well-known" counts as two, a lone dash as none."""

    version = 1
    params: Params

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
        return self.embed_words(text, item_index.tolist(), {})
