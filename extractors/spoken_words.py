"""Speech expert on subtitles: their words as vectors."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, SubtitleNeed, WordView
from extractors.text.hashed_words import EncoderParams
from extractors.text.tokens import tokens
from extractors.word_experts.word_expert import WordExpert, WordParams
from pipeline import config
from pipeline.media.languages import language_code


@dataclass(frozen=True)
class Params:
    """Settings of the speech expert."""

    __pydantic_config__ = config.STRICT
    language: str = ""
    """Which of several subtitles are read, as a code or a name, e.g. de; those in another language only where there are
    no others. Empty: English ones, or the track that the file marks as its default."""
    words: WordParams = field(default_factory=EncoderParams)
    """Word vectors. Must equal those of the text encoder for spoken words to match the words of a query. For other
    sources than hashing see word_vectors.py."""

    def __post_init__(self) -> None:
        if self.language and not language_code(self.language):
            raise ValueError(f"language {self.language!r} is no language code, such as en or de")


class Expert(WordExpert):
    """One row for each spoken word; "well-known" counts as two, a lone dash as none."""

    version = 1
    params: Params

    @property
    def need(self) -> SubtitleNeed:
        """The words of the subtitles."""
        return SubtitleNeed(self.params.language)

    def prepare(self, view: WordView) -> NDArray[np.str_]:
        """(N,), the words as in the subtitles."""
        return view.words

    def embed(self, items: NDArray[np.str_]) -> Embedded:
        """(R, D) vectors, with the extra `text` (R,), the word without punctuation."""
        words_of_items = [tokens(str(item)) for item in items]
        words = [word for words in words_of_items for word in words]
        item_index = np.repeat(np.arange(len(items)), [len(words) for words in words_of_items])
        return self.embed_words(words, item_index.tolist(), {})
