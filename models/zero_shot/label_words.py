"""Zero-shot scores by label words: a query is compared with the names of the classes that classifiers recognised.

A sentence encoder gives a vector to the query, to the description of each of the L classes ("zebra: any of several
fleet black-and-white striped African equines"), and to each of its synonyms ("brown bear", "bruin", "Ursus arctos").
The weight of a class is the mean of

    softmax(cos(query, description) / temperature) and
    softmax(max over its synonyms of cos(query, synonym) / temperature),

both over all classes of all classifiers; and the score of a frame is the sum over its K most probable classes of
weight x probability ** power. The score of a video is that of its best frame, or the mean over its frames, summed over
the classifiers: 0 where nothing fits, and seldom near 1.

ConSE (Norouzi et al., Zero-Shot Learning by Convex Combination of Semantic Embeddings, ICLR 2014) goes the other way:
it averages the vectors of the names, with the probabilities as weights, and compares the mean with the query. On 403
photographs of Debian's tuxpaint-stamps, one caption each, this score finds more: benchmarks/ has the measurement.

Frames stand for whatever a classifier judges: frames, clips or pieces of sound. Q queries, D sentence vector,
L classes, S synonyms, N frames of V videos, K most probable classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.zero_shot.settings import LabelWords
from pipeline.stores.ragged import Ragged

Floats = NDArray[np.float32]

BLOCK_FRAMES = 4096
"""Frames that are scored at once: their intermediate values stay in the processor's cache."""


@dataclass(frozen=True)
class TopLabels:
    """The most probable classes of the N frames of V videos, by one classifier."""

    classes: NDArray[np.int16]
    """(N, K), by falling probability."""
    probabilities: Floats
    """(N, K)"""
    offsets: NDArray[np.int64]
    """(V + 1,); video i has the frames offsets[i] to offsets[i + 1] - 1, or none."""


@dataclass(frozen=True)
class LabelVectors:
    """The sentence vectors of the L classes of one classifier, or of several one after the other; all of length 1."""

    descriptions: Floats
    """(L, D)"""
    synonyms: Floats
    """(S, D); each class has one or more."""
    offsets: NDArray[np.int64]
    """(L + 1,); class i has the synonyms offsets[i] to offsets[i + 1] - 1."""

    @classmethod
    def join(cls, several: Sequence["LabelVectors"]) -> "LabelVectors":
        """The classes of several classifiers, in their order."""
        counts = np.concatenate([np.diff(one.offsets) for one in several])
        return cls(
            np.concatenate([one.descriptions for one in several]),
            np.concatenate([one.synonyms for one in several]),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.descriptions)

    def nearest(self, query: Floats) -> float:
        """The cosine of a query (1, D) and the description or synonym that is nearest to it."""
        return float(max((query @ self.descriptions.T).max(), (query @ self.synonyms.T).max()))


def label_weights(queries: Floats, labels: LabelVectors, temperature: float) -> Floats:
    """(Q, L) weights of the classes, which add up to 1 for each of the queries (Q, D).

    A query of zeros, from a text without words, is as far from every class.
    """
    by_description = queries @ labels.descriptions.T
    by_name = np.maximum.reduceat(queries @ labels.synonyms.T, labels.offsets[:-1], axis=1)
    weights = np.mean([_softmax(by_description, temperature), _softmax(by_name, temperature)], axis=0)
    return np.asarray(weights, np.float32)


def _softmax(cosines: Floats, temperature: float) -> Floats:
    exponentials = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / np.float32(temperature))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)


def sentence_vectors(tokens: Ragged) -> Floats:
    """(N, D), the mean of the token vectors of each of N texts, scaled to length 1; zeros for a text without any."""
    summed = np.zeros((len(tokens), tokens.dim), np.float32)
    np.add.at(summed, np.repeat(np.arange(len(tokens)), tokens.counts), tokens.values)
    return unit_rows(summed)


def unit_rows(values: NDArray[np.floating]) -> Floats:
    """(N, D), each vector scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def frame_scores(weights: Floats, top: TopLabels, settings: LabelWords) -> Floats:
    """(N,) scores of all frames, from the weights of the classes (L,)."""
    scores = np.empty(len(top.classes), np.float32)
    for start in range(0, len(scores), BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        np.einsum("nk,nk->n", *_terms(weights, top, settings, block), out=scores[block])
    return scores


def contributions(weights: Floats, top: TopLabels, settings: LabelWords, frame: int) -> dict[int, float]:
    """Class -> what it adds to the score of a frame, the largest first."""
    of_frame = slice(frame, frame + 1)
    parts = np.multiply(*_terms(weights, top, settings, of_frame))[0]
    pairs = sorted(zip(parts.tolist(), top.classes[frame].tolist(), strict=False), reverse=True)
    return {label: part for part, label in pairs}


def video_scores(weights: Floats, top: TopLabels, settings: LabelWords) -> Floats:
    """(V,) scores of the videos by one classifier; 0 for a video without frames."""
    scores, counts = frame_scores(weights, top, settings), np.diff(top.offsets)
    pooled = np.zeros(len(counts), np.float32)
    filled = counts > 0
    if filled.any():
        # Empty videos share their offset with the next one, so the segments of the others stay whole without them.
        reduce = np.maximum if settings.pool == "max" else np.add
        pooled[filled] = reduce.reduceat(scores, top.offsets[:-1][filled])
    if settings.pool == "mean":
        pooled /= np.maximum(counts, 1).astype(np.float32)
    return pooled


def scores(queries: Floats, labels: Sequence[LabelVectors], tops: Sequence[TopLabels], settings: LabelWords) -> Floats:
    """(Q, V) scores of every query (Q, D) for every video.

    `labels`, `tops`: for each classifier the vectors of its classes, and what it recognised in the V videos.
    """
    weights = label_weights(queries, LabelVectors.join(labels), settings.temperature)
    found = np.zeros((len(queries), len(tops[0].offsets) - 1), np.float32)
    for of_classifier, top in zip(split(weights, labels), tops, strict=True):
        for row, of_query in enumerate(of_classifier):
            found[row] += video_scores(of_query, top, settings)
    return found


def split(weights: Floats, labels: Sequence[LabelVectors]) -> list[Floats]:
    """Weights (Q, L) of the classes of all classifiers, for each of them alone."""
    ends = np.cumsum([len(of_one) for of_one in labels])
    return np.split(weights, ends[:-1], axis=1)


def _terms(weights: Floats, top: TopLabels, settings: LabelWords, frames: slice) -> tuple[Floats, Floats]:
    """Weight and powered probability, (n, K) each, of the classes of some frames that count."""
    kept = slice(0, settings.labels)
    probabilities = np.asarray(top.probabilities[frames, kept], np.float32)
    powered = np.sqrt(probabilities) if settings.power == 0.5 else probabilities ** np.float32(settings.power)
    return np.take(weights, top.classes[frames, kept]), powered
