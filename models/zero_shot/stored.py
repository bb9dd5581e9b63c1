"""Reads what label words are made of: the vectors of the classes' names, and what classifiers recognised in videos.

L classes, V videos, D sentence vector.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.zero_shot.label_words import Floats, LabelVectors, TopLabels, sentence_vectors, unit_rows
from models.zero_shot.settings import LabelWords, synonyms
from pipeline.datasets.annotations import Caption
from pipeline.stores import parts
from pipeline.stores.parts import Reader
from pipeline.stores.ragged import Ragged


@dataclass(frozen=True)
class Classes:
    """The L classes that a classifier tells apart."""

    names: tuple[str, ...]
    """As they are shown, with synonyms after commas."""
    descriptions: tuple[str, ...]
    """As they are compared with queries: with a definition, where there is one."""
    keep: int
    """K, how many of them are kept for each frame."""


@dataclass(frozen=True)
class LabelSources:
    """Where label words are found, beside the features of the classifiers."""

    settings: LabelWords
    classifiers: Mapping[str, Classes]
    """Expert that is a classifier -> its classes; never empty."""
    text_store: Path
    """Store of the sentence encoder, with a row for each description and synonym."""
    dim: int
    """D"""

    def labels(self, classifier: str) -> LabelVectors:
        """The vectors of the classes of a classifier; StoreError where one is missing."""
        classes = self.classifiers[classifier]
        of_classes = [synonyms(name) for name in classes.names]
        offsets = np.concatenate([[0], np.cumsum([len(names) for names in of_classes])]).astype(np.int64)
        names = [name for names in of_classes for name in names]
        return LabelVectors(self.vectors(classes.descriptions), self.vectors(names), offsets)

    def vectors(self, texts: Sequence[str]) -> Floats:
        """(len(texts), D), of length 1, from the store of the sentence encoder; StoreError where one is missing."""
        return text_vectors(self.text_store, texts, self.dim)


def text_vectors(folder: Path, texts: Sequence[str], dim: int) -> Floats:
    """(len(texts), D), of length 1, from the store of a text encoder in `folder`; StoreError where one is missing."""
    keys = [Caption(text).key for text in texts]
    rows = {key: row for row, key in enumerate(dict.fromkeys(keys))}
    return sentence_vectors(parts.read(folder, list(rows), dim))[[rows[key] for key in keys]]


def token_vectors(folder: Path, texts: Sequence[str], dim: int) -> Ragged:
    """For each text the vectors of its tokens, of length 1, from the store in `folder`; as `text_vectors` else."""
    keys = [Caption(text).key for text in texts]
    rows = {key: row for row, key in enumerate(dict.fromkeys(keys))}
    tokens = parts.read(folder, list(rows), dim)
    return Ragged(unit_rows(tokens.values), tokens.offsets).take([rows[key] for key in keys])


def top_labels(store: Reader, keys: Sequence[str], keep: int) -> TopLabels:
    """What a classifier recognised in the videos whose rows have these `keys` in its store; it keeps `keep` classes."""
    classes, probabilities = store.beside("labels", keys), store.beside("label_scores", keys)
    if not len(probabilities.values):
        empty = np.zeros((0, keep))
        return TopLabels(empty.astype(np.int16), empty.astype(np.float32), probabilities.offsets)
    return TopLabels(classes.values.astype(np.int16), probabilities.values, probabilities.offsets)
