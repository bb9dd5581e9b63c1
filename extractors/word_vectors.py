"""Text encoder that gives each word a vector: hashed, from a word2vec or fastText file, or of a language model.

A language model gets each word alone, so that a word has the same vector in every context: the mean over its subwords
of the last hidden states. Experts whose rows are words use the same encoder. W words, D feature.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from extractors.networks import hub, placing
from extractors.networks.base import NetworkEncoder
from extractors.text import hashed_words
from extractors.text.folding import fold
from extractors.text.hashed_words import EncoderParams as HashedParams
from extractors.text.tokens import tokens
from pipeline import config
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile

VECTORS = "words"
"""The part of an expert's weights that holds the vectors."""
_HUB_PARTS = {VECTORS: "network", "words_config": "config", "words_tokenizer": "tokenizer"}
"""Part -> part of a model on the hub."""
_MAX_SUBWORDS = 64
_MAX_TOKENS = 256
"""Longer sentences are cut off, as by all-MiniLM-L6-v2's own library."""


@dataclass(frozen=True)
class EncoderParams:
    """How words become vectors."""

    __pydantic_config__ = config.STRICT
    source: str = "hashed"
    """hashed: no file needed; file: the one under weights: words: in the YAML; transformers/<owner>/<name>: a language
    model on the hub, e.g. transformers/google-bert/bert-base-uncased."""
    dim: int = 300
    """D; with a language model its width."""
    shortest: int = 3
    """Length of the shortest character n-gram that is hashed; also for the stand-ins of learned vectors."""
    longest: int = 5
    """Length of the longest character n-gram that is hashed."""
    max_words: int = 1_000_000
    """Number of words read from a file, which has the most frequent ones first; more need more memory."""

    def __post_init__(self) -> None:
        if self.max_words < 1:
            raise ValueError("max_words must be at least 1")
        if self.source not in {"hashed", "file"} and not hub.is_hub_name(self.source):
            raise ValueError(f"source {self.source!r} must be hashed, file, or transformers/<owner>/<name>")
        if self.is_hub_model:
            hub.repository(self.source)  # raises ValueError for a name that no repository can have
        _ = self.hashed  # checks dim, shortest and longest

    @property
    def is_hub_model(self) -> bool:
        """Whether the vectors come from a language model."""
        return hub.is_hub_name(self.source)

    @property
    def hashed(self) -> HashedParams:
        """The settings for hashed vectors."""
        return HashedParams(self.dim, self.shortest, self.longest)


@dataclass(frozen=True)
class SegmentParams(EncoderParams):
    """How what is said between silences, a line in frames or a sentence becomes one vector, by a sentence encoder."""

    unit: Literal["segment"] = "segment"
    silence_s: float = 1.0
    """What is said after a silence that is longer is another segment."""
    longest_s: float = 20.0
    """What is said for longer without such a silence is cut at its longest pauses."""
    merge_s: float = 0.5
    """A line or sentence that is there again after a gap that is no longer is one row, with the times of all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.is_hub_model:
            raise ValueError("unit: segment needs a sentence encoder as source: transformers/<owner>/<name>")
        if min(self.silence_s, self.longest_s) <= 0 or self.merge_s < 0:
            raise ValueError("silence_s and longest_s must be above 0, merge_s not below it")


class Encoder(NetworkEncoder):
    """One vector for each known word; a text without a known word has one vector of zeros."""

    version = 2
    params: EncoderParams

    @property
    def published_names(self) -> dict[str, str]:
        """The file or the language model; empty for hashed vectors."""
        if self.params.is_hub_model:
            return dict.fromkeys(_HUB_PARTS, self.params.source)
        return {VECTORS: "a file"} if self.params.source == "file" else {}

    def published_file(self, part: str) -> WeightFile:
        """The file of a language model on the hub; there is none for `source: file`, which the YAML must name."""
        if self.params.is_hub_model:
            return hub.weight_file(self.params.source, _HUB_PARTS[part])
        raise WeightsError("source: file needs a file under weights: words: in the YAML")

    def file_without_library(self, part: str) -> WeightFile | None:
        """The same; None where the YAML must name it."""
        return self.published_file(part) if self.params.is_hub_model else None

    def load(self, device: str) -> None:
        """Read the file, or move the language model to the device."""
        self._learned: WordTable | LanguageModel | None = None
        if not self.source.seeded and self.params.is_hub_model:
            self._learned = LanguageModel(self, device)
        elif not self.source.seeded and self.params.source == "file":
            self._learned = WordTable.read(self.weight_path(VECTORS), self.params)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors (W, D) of its known words in order, W >= 1."""
        per_text = [self.known_vectors(tokens(text))[0] for text in texts]
        return [vectors if len(vectors) else np.zeros((1, self.dim), np.float32) for vectors in per_text]

    def sentence_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector (N, D) for each text: of its sentence by a language model, or with stand-ins of its words."""
        if isinstance(self._learned, LanguageModel):
            vectors = [self._learned.sentence(text) for text in texts]
        else:
            vectors = [self.encode([text])[0].mean(axis=0) for text in texts]
        unit = [vector / max(float(np.linalg.norm(vector)), 1e-12) for vector in vectors]
        return np.array(unit, np.float32).reshape(-1, self.dim)

    def known_vectors(self, words: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The vectors (W, D) of the known words, and their indices (W,) in `words`."""
        if self._learned is not None:
            return self._learned.look_up(words)
        return hashed_words.vectors(words, self.params.hashed), np.arange(len(words), dtype=np.int64)


class LanguageModel:
    """Vectors of words by a language model, which knows every word; each is computed once."""

    def __init__(self, encoder: Encoder, device: str) -> None:
        settings = hub.read_config(encoder.weight_path("words_config"))
        self._device = device
        self._network = placing.network_to_device(hub.build(encoder, settings, VECTORS), device)
        tokenizer = encoder.weight_path("words_tokenizer")
        self._tokenizer = hub.read_tokenizer(tokenizer, _MAX_SUBWORDS)
        self._long_tokenizer = hub.read_tokenizer(tokenizer, _MAX_TOKENS)
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._dim = encoder.dim
        width = len(self._vector("a"))
        if width != self._dim:
            raise WeightsError(f"{encoder.weight_path(VECTORS)}: vectors of length {width}, where dim is {self._dim}")

    def look_up(self, words: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """As `Encoder.known_vectors`."""
        for word in words:
            if word not in self._vectors:
                self._vectors[word] = self._vector(word)
        values = np.array([self._vectors[word] for word in words], np.float32).reshape(-1, self._dim)
        return values, np.arange(len(words), dtype=np.int64)

    def sentence(self, text: str) -> NDArray[np.float32]:
        """(D,), the mean over all tokens, also those of begin and end, as sentence encoders are trained."""
        return np.asarray(self._states(self._long_tokenizer.encode(text)).mean(axis=0), np.float32)

    def _vector(self, word: str) -> NDArray[np.float32]:
        """(D,), the mean over the subwords."""
        encoding = self._tokenizer.encode(word)
        # The model gets begin and end tokens, as in its training, but they are not part of the word.
        subwords = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)
        states = self._states(encoding)
        return np.asarray(states[subwords if len(subwords) else slice(None)].mean(axis=0), np.float32)

    def _states(self, encoding: Any) -> NDArray[np.float32]:
        """The last hidden states (W, D). One text at a time, so that rounding does not depend on a batch."""
        import torch

        ids = torch.tensor([encoding.ids or [0]], device=self._device)
        with torch.inference_mode():
            states: NDArray[np.float32] = self._network(ids).last_hidden_state[0].float().cpu().numpy()
        return states


@dataclass(frozen=True)
class WordTable:
    """Words and their vectors from a file, in memory."""

    rows: dict[str, int]
    """Word -> row of `values`."""
    values: NDArray[np.float32]
    """(W, D)"""

    def look_up(self, words: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """As `Encoder.known_vectors`; a word is looked up as written, then in lower case, then folded."""
        forms = ((word, word.lower(), fold(word)) for word in words)
        known = [next((self.rows[form] for form in tried if form in self.rows), -1) for tried in forms]
        rows = np.array(known, np.int64)
        index = np.flatnonzero(rows >= 0)
        return self.values[rows[index]].reshape(-1, self.values.shape[1]), index

    @staticmethod
    @functools.lru_cache(maxsize=2)
    def read(path: Path, params: EncoderParams) -> "WordTable":
        """The first words of a word2vec file, binary (.bin) or text (.vec, .txt); cached for experts that share it.

        WeightsError if the file is not in that format, has another dimension, or ends early.
        """
        with path.open("rb") as file:
            counts = file.readline().split()
            if len(counts) != 2 or not all(count.isdigit() for count in counts):
                raise WeightsError(
                    f"{path}: no word2vec file: its first line must be the numbers of words and of values"
                )
            total, dim = (int(count) for count in counts)
            if dim != params.dim:
                raise WeightsError(f"{path}: vectors of length {dim}, where dim is {params.dim}")
            values = np.empty((min(total, params.max_words), dim), np.float32)
            read_rows = _read_binary_rows if path.suffix == ".bin" else _read_text_rows
            words = list(read_rows(file, values))
        if len(words) < len(values):
            raise WeightsError(f"{path}: {len(words)} words, where its first line says {total}; fetch it again")
        # Of two equal words the first one counts, which is the more frequent one.
        return WordTable({word: row for row, word in reversed(list(enumerate(words)))}, values)


def _read_text_rows(file: BinaryIO, values: NDArray[np.float32]) -> Iterator[str]:
    """Fill `values` row by row and yield the words."""
    for row, line in zip(values, file, strict=False):
        word, *numbers = line.rstrip().split(b" ")
        row[:] = np.array(numbers, np.float32)
        yield word.decode("utf-8", "replace")


def _read_binary_rows(file: BinaryIO, values: NDArray[np.float32]) -> Iterator[str]:
    """Fill `values` row by row and yield the words. A row is a word, a space, and D little-endian floats."""
    for row in values:
        word = bytearray()
        while (byte := file.read(1)) not in (b" ", b""):
            word += byte
        numbers = file.read(4 * len(row))
        if len(numbers) < 4 * len(row):
            return
        row[:] = np.frombuffer(numbers, "<f4")
        yield bytes(word).strip().decode("utf-8", "replace")
