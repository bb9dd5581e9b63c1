"""Captions as hashed word vectors; a word on a sign, in speech and in a query has one vector."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extractors.base import TextEncoder
from extractors.text.hashed_words import EncoderParams, vectors
from extractors.text.tokens import tokens


class Encoder(TextEncoder):
    """One unit vector per word; a text without words gives the vector of the empty word."""

    version = 1
    params: EncoderParams

    @property
    def dim(self) -> int:
        """D, the length of a token vector."""
        return self.params.dim

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors (W, D) of its words in order, W >= 1."""
        return [vectors(tokens(text) or [""], self.params) for text in texts]
