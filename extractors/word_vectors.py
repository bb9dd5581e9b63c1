"""Words as vectors: hashed from their letters, learned ones from a word2vec or fastText file, or a language model's.

W words, D feature.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from extractors import words
from extractors.networks import NetworkEncoder
from extractors.words import EncoderParams as Hashed
from pipeline import config
from pipeline.errors import WeightsError
from pipeline.weights import WeightFile

VECTORS = "words"
"""The part of an expert's weights that the vectors are."""


@dataclass(frozen=True)
class EncoderParams:
    """How words become vectors."""

    __pydantic_config__ = config.STRICT
    source: Literal["hashed", "file"] = "hashed"
    """hashed: from the letters, no file needed; file: the one named in the YAML under weights: words:."""
    dim: int = 300
    """D."""
    shortest: int = 3
    """Length of the shortest character n-gram that is hashed; also for the stand-ins of a file."""
    longest: int = 5
    """Length of the longest character n-gram that is hashed."""
    max_words: int = 1_000_000
    """The first words of a file, which has the frequent ones first; more need more memory."""

    def __post_init__(self) -> None:
        if self.max_words < 1:
            raise ValueError("max_words must be at least 1")
        _ = self.hashed  # which refuses the rest

    @property
    def hashed(self) -> Hashed:
        """Those of the words encoder."""
        return Hashed(self.dim, self.shortest, self.longest)


class Encoder(NetworkEncoder):
    """One vector for each word that the vectors know; a text without one gives a vector of zeros."""

    version = 1
    params: EncoderParams

    @property
    def dim(self) -> int:
        """D, the length of a word vector."""
        return self.params.dim

    @property
    def released(self) -> dict[str, str]:
        """The file, if there is one."""
        return {VECTORS: "a file"} if self.params.source == "file" else {}

    def known(self, part: str) -> WeightFile:
        """There are too many to know one."""
        raise WeightsError("source: file needs a file under weights: words: in the YAML")

    def load(self, device: str) -> None:
        """Read the file."""
        self._table = Table.read(self.path(VECTORS), self.params) if self._reads_file else None

    @property
    def _reads_file(self) -> bool:
        return self.params.source == "file" and not self.source.seeded

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors (W, D) of its known words in order, W >= 1."""
        found = [self.known_vectors(words.tokens(text))[0] for text in texts]
        nothing = np.zeros((1, self.dim), np.float32)
        return [vectors if len(vectors) else nothing for vectors in found]

    def known_vectors(self, tokens: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The vectors (W, D) of the words that are known, and which of `tokens` they are (W,)."""
        if self._table is not None:
            return self._table.look_up(tokens)
        return words.vectors(tokens, self.params.hashed), np.arange(len(tokens), dtype=np.int64)


@dataclass(frozen=True)
class Table:
    """Words and their vectors, in memory."""

    places: dict[str, int]
    values: NDArray[np.float32]
    """(W, D)"""

    def look_up(self, tokens: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """As `Encoder.known_vectors`; a word is sought as written, then in small letters."""
        places = [self.places.get(token, self.places.get(token.lower(), -1)) for token in tokens]
        index = np.flatnonzero(np.array(places, np.int64) >= 0)
        return self.values[[places[at] for at in index]].reshape(-1, self.values.shape[1]), index

    @staticmethod
    @functools.lru_cache(maxsize=2)
    def read(path: Path, params: EncoderParams) -> "Table":
        """The first words of a word2vec file, binary (.bin) or text (.vec, .txt); read once for all that share it."""
        with path.open("rb") as file:
            counts = file.readline().split()
            if len(counts) != 2 or not all(count.isdigit() for count in counts):
                raise WeightsError(
                    f"{path}: no word2vec file: its first line must be the numbers of words and of values"
                )
            total, dim = (int(count) for count in counts)
            if dim != params.dim:
                raise WeightsError(f"{path}: vectors of length {dim}, where dim is {params.dim}")
            num = min(total, params.max_words)
            values = np.empty((num, dim), np.float32)
            read = _binary_rows if path.suffix == ".bin" else _text_rows
            names = list(read(file, values))
        if len(names) < num:
            raise WeightsError(f"{path}: {len(names)} words, where its first line says {total}; fetch it again")
        # The first of two words that are written alike is the more frequent one.
        return Table({name: place for place, name in reversed(list(enumerate(names)))}, values)


def _text_rows(file: Any, values: NDArray[np.float32]) -> Iterator[str]:
    """Fills `values`, giving the words."""
    for row, line in zip(values, file, strict=False):
        name, *numbers = line.rstrip().split(b" ")
        row[:] = np.array(numbers, np.float32)
        yield name.decode("utf-8", "replace")


def _binary_rows(file: Any, values: NDArray[np.float32]) -> Iterator[str]:
    """Fills `values`, giving the words: each a word, a space, and D little-endian floats."""
    for row in values:
        name = bytearray()
        while (byte := file.read(1)) not in (b" ", b""):
            name += byte
        numbers = file.read(4 * len(row))
        if len(numbers) < 4 * len(row):
            return
        row[:] = np.frombuffer(numbers, "<f4")
        yield bytes(name).strip().decode("utf-8", "replace")
