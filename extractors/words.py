"""Text encoder that gives each word a hashed vector, the same as OCR and speech experts give it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extractors.base import TextEncoder
from extractors.text.hashed_words import EncoderParams, vectors
from extractors.text.tokens import tokens


class Encoder(TextEncoder):
    """One unit vector per word; a text without words has the vector of the empty word."""

    version = 2
    params: EncoderParams

    @property
    def dim(self) -> int:
        """D, from the settings."""
        return self.params.dim

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors (W, D) of its words in order, W >= 1."""
        return [vectors(tokens(text) or [""], self.params) for text in texts]
