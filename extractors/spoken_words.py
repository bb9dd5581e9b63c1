"""Speech expert on subtitles: their words as vectors."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded, SubtitleNeed, WordView
from extractors.text.hashed_words import EncoderParams
from extractors.word_experts.timing import spread
from extractors.word_experts.word_expert import WordExpert, WordParams
from pipeline import config
from pipeline.texts.languages import language_code


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
    """One row for each spoken word; "well-known" counts as two, a lone dash as none.

    In scripts without blanks a whole sentence is one item, of which each word has its share of the time.
    """

    version = 2
    params: Params

    @property
    def need(self) -> SubtitleNeed:
        """The words of the subtitles."""
        return SubtitleNeed(self.params.language)

    def prepare(self, view: WordView) -> NDArray[np.void]:
        """(N,), the words as in the subtitles, and how long each lasts: fields `text` and `duration_s`."""
        durations_s = view.times_s[:, 1] - view.times_s[:, 0]
        fields = [("text", view.words.dtype), ("duration_s", np.float64)]
        return np.array(list(zip(view.words, durations_s, strict=True)), fields)

    def embed(self, items: NDArray[np.void]) -> Embedded:
        """(R, D) vectors, with the extra `text` (R,), the word without punctuation."""
        timed = [spread(str(text), 0.0, float(duration_s)) for text, duration_s in items]
        rows = [(index, *word) for index, words in enumerate(timed) for word in words]
        times_s = np.array([(start_s, end_s) for _, _, start_s, end_s in rows], np.float64).reshape(-1, 2)
        return self.embed_words([text for _, text, *_ in rows], [index for index, *_ in rows], {}, times_s)
