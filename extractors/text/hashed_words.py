"""Hashes words to vectors: without a file, and equal for a word in OCR, in speech and in a query.

W words, D feature. The idea is fastText's (Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information"):
a word is the sum of its character n-grams, which have hashed random signs in place of learned values.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from extractors.text.folding import fold
from pipeline import config

_SIGNS_PER_DIGEST = 512  # blake2b's longest digest, in bits


@dataclass(frozen=True)
class EncoderParams:
    """How words become vectors; experts whose words should match a query's need the same values as the text encoder."""

    __pydantic_config__ = config.STRICT
    dim: int = 300
    """D. Unrelated words have a cosine of about 0 +- 1 / sqrt(D)."""
    shortest: int = 3
    """Length of the shortest character n-gram; the boundary marks < and > of a word count as characters."""
    longest: int = 5
    """Length of the longest character n-gram."""

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise ValueError("dim must be at least 1")
        if not 1 <= self.shortest <= self.longest:
            raise ValueError("n-grams need 1 <= shortest <= longest")


def vectors(words: Sequence[str], params: EncoderParams) -> NDArray[np.float32]:
    """(W, D) unit vectors of the words, W >= 0; words are compared as `fold` gives them, in lower case."""
    return np.array([_vector(fold(word), params) for word in words], np.float32).reshape(-1, params.dim)


@lru_cache(maxsize=65536)
def _vector(word: str, params: EncoderParams) -> NDArray[np.float32]:
    # Sums of integers are exact in any order, so that the vector is the same on every machine.
    signs = np.array([_signs(ngram, params.dim) for ngram in _ngrams(word, params)], np.int64)
    total: NDArray[np.int64] = signs.sum(axis=0)
    norm = float(np.linalg.norm(total)) or 1.0  # the sum may be zero when D is small
    vector = (total / norm).astype(np.float32)
    vector.setflags(write=False)
    return vector


def _ngrams(word: str, params: EncoderParams) -> set[str]:
    """The word between boundary marks, and its n-grams: "cat" -> <cat>, <ca, cat, at>, ..."""
    marked = f"<{word}>"
    lengths = range(params.shortest, params.longest + 1)
    return {marked} | {marked[start : start + n] for n in lengths for start in range(len(marked) - n + 1)}


def _signs(ngram: str, dim: int) -> NDArray[np.int8]:
    """(D,) of -1 and 1, a hash of the UTF-8 bytes of `ngram`."""
    blocks = range(-(-dim // _SIGNS_PER_DIGEST))
    digests = [hashlib.blake2b(ngram.encode(), salt=block.to_bytes(16, "little")).digest() for block in blocks]
    bits = np.unpackbits(np.frombuffer(b"".join(digests), np.uint8))[:dim]
    return bits.astype(np.int8) * 2 - 1
