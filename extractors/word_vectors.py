"""Words as vectors: hashed from their letters, learned ones from a word2vec or fastText file, or a language model's.

A language model sees each word on its own, without the words beside it, so that a word has one vector wherever it
stands: the mean of what the last layer gives for its pieces. W words, D feature.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.networks import hub
from extractors.networks.base import NetworkEncoder, place
from extractors.text import hashed_words
from extractors.text import tokens as word_tokens
from extractors.text.hashed_words import EncoderParams as Hashed
from pipeline import config
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile

VECTORS = "words"
"""The part of an expert's weights that the vectors are."""
_HUB_PARTS = {VECTORS: "network", "words_config": "config", "words_tokenizer": "tokenizer"}
"""Part -> that of a model on the hub."""
_MOST_PIECES = 64


@dataclass(frozen=True)
class EncoderParams:
    """How words become vectors."""

    __pydantic_config__ = config.STRICT
    source: str = "hashed"
    """hashed: from the letters, no file needed; file: the one named in the YAML under weights: words:;
    transformers/<owner>/<name>: a language model on the hub, e.g. transformers/google-bert/bert-base-uncased."""
    dim: int = 300
    """D; the width of a language model."""
    shortest: int = 3
    """Length of the shortest character n-gram that is hashed; also for stand-ins of learned vectors."""
    longest: int = 5
    """Length of the longest character n-gram that is hashed."""
    max_words: int = 1_000_000
    """The first words of a file, which has the frequent ones first; more need more memory."""

    def __post_init__(self) -> None:
        if self.max_words < 1:
            raise ValueError("max_words must be at least 1")
        if self.source not in {"hashed", "file"} and not hub.is_hub_name(self.source):
            raise ValueError(f"source {self.source!r} must be hashed, file, or transformers/<owner>/<name>")
        if self.is_hub_model:
            hub.repository(self.source)  # which refuses a name that no repository has
        _ = self.hashed  # which refuses the rest

    @property
    def is_hub_model(self) -> bool:
        """Whether a language model gives the vectors."""
        return hub.is_hub_name(self.source)

    @property
    def hashed(self) -> Hashed:
        """Those of the words encoder."""
        return Hashed(self.dim, self.shortest, self.longest)


class Encoder(NetworkEncoder):
    """One vector for each word that the vectors know; a text without one gives a vector of zeros."""

    version = 1
    params: EncoderParams

    @property
    def released(self) -> dict[str, str]:
        """The file, or the model, if there is one."""
        if self.params.is_hub_model:
            return dict.fromkeys(_HUB_PARTS, self.params.source)
        return {VECTORS: "a file"} if self.params.source == "file" else {}

    def known(self, part: str) -> WeightFile:
        """A model's on the hub; there are too many files of vectors to know one."""
        if self.params.is_hub_model:
            return hub.file_of(self.params.source, _HUB_PARTS[part])
        raise WeightsError("source: file needs a file under weights: words: in the YAML")

    def load(self, device: str) -> None:
        """Read the file, or put the model on the device."""
        self._learned: Table | Model | None = None
        if not self.source.seeded and self.params.is_hub_model:
            self._learned = Model(self, device)
        elif not self.source.seeded and self.params.source == "file":
            self._learned = Table.read(self.path(VECTORS), self.params)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors (W, D) of its known words in order, W >= 1."""
        found = [self.known_vectors(word_tokens.tokens(text))[0] for text in texts]
        nothing = np.zeros((1, self.dim), np.float32)
        return [vectors if len(vectors) else nothing for vectors in found]

    def known_vectors(self, tokens: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The vectors (W, D) of the words that are known, and which of `tokens` they are (W,)."""
        if self._learned is not None:
            return self._learned.look_up(tokens)
        return hashed_words.vectors(tokens, self.params.hashed), np.arange(len(tokens), dtype=np.int64)


class Model:
    """A language model that knows every word."""

    def __init__(self, owner: Encoder, device: str) -> None:
        settings = hub.read_config(owner.path("words_config"))
        self._device = device
        self._network = place(hub.build(owner, settings, VECTORS), device)
        self._tokenizer = hub.read_tokenizer(owner.path("words_tokenizer"), _MOST_PIECES)
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._dim = owner.dim
        width = len(self._vector("a"))
        if width != self._dim:
            raise WeightsError(f"{owner.path(VECTORS)}: vectors of length {width}, where dim is {self._dim}")

    def look_up(self, tokens: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """As `Encoder.known_vectors`."""
        for token in tokens:
            if token not in self._vectors:
                self._vectors[token] = self._vector(token)
        values = np.array([self._vectors[token] for token in tokens], np.float32).reshape(-1, self._dim)
        return values, np.arange(len(tokens), dtype=np.int64)

    def _vector(self, token: str) -> NDArray[np.float32]:
        """(D,), the mean over the pieces of the word. One word at a time: its last digits depend on no other then."""
        import torch

        written = self._tokenizer.encode(token)
        ids = torch.tensor([written.ids or [0]], device=self._device)
        with torch.inference_mode():
            states = self._network(ids).last_hidden_state[0].float().cpu().numpy()
        # Marks of begin and end are shown to the model as it was trained, but are no part of the word.
        pieces = np.flatnonzero(np.array(written.special_tokens_mask) == 0)
        return np.asarray(states[pieces if len(pieces) else slice(None)].mean(axis=0), np.float32)


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
