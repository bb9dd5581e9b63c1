"""Searches by label words: the query is compared with the names of what classifiers recognised; needs no training.

The score is that of `models.zero_shot.label_words`. V videos, N frames (or clips, or pieces of sound), L classes,
K classes kept of each frame.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.zero_shot import label_words
from models.zero_shot.label_words import Floats, LabelVectors, TopLabels
from models.zero_shot.settings import LabelWords
from models.zero_shot.stored import LabelSources, top_labels
from pipeline.errors import PipelineError
from pipeline.stores import atomic
from pipeline.stores.parts import Reader
from pipeline.stores.ragged import Ragged
from search.config import Floors, SearchConfig
from search.engines.classifier import FOLDER, Classifier
from search.engines.fusion import CANDIDATES, Ranking
from search.engines.labels import Seen
from search.engines.minus import SplitQuery
from search.engines.peaks import Peak, peaks
from search.engines.text_encoders import TextEncoders
from search.index.growing_array import GrowingArray

BLOCK_VIDEOS = 1024
MOST_SEEN = 3
"""Labels that are told as the reason for a hit."""
LEAST_SHARE = 0.1
"""Of the score of a video, that such a label adds."""
LEAST_PROBABILITY = 0.01
"""Of such a label, unless there is no other."""


@dataclass(frozen=True)
class FoundLabels:
    """What label words found for a text."""

    weights: Sequence[tuple[Classifier, Floats]]
    """Each classifier that took part, with the weights (L,) of its classes."""
    settings: LabelWords
    ranking: Ranking

    def seen(self, row: int) -> tuple[Seen, ...]:
        """The labels that carry the score of a video, of each classifier's best frame; the most important first."""
        best = self._best_frames(row)
        least = LEAST_SHARE * sum(one.score for one in best)
        reasons = [reason for one in best for reason in one.reasons(self.settings) if reason[0] > least]
        ordered = [seen for _, seen in sorted(reasons, key=lambda reason: -reason[0])]
        return tuple([seen for seen in ordered if seen.score >= LEAST_PROBABILITY][:MOST_SEEN] or ordered[:1])

    def moments_of(self, row: int, duration_s: float) -> list[tuple[str, str, Peak]]:
        """Expert, the label that says most, and where in a video of this length the labels match the text."""
        found = []
        for classifier, weights in self.weights:
            top = classifier.of_video(row)
            scores = label_words.frame_scores(weights, top, self.settings)
            for peak in peaks(*classifier.times_s(row, duration_s), scores):
                best = next(iter(label_words.contributions(weights, top, self.settings, peak.best)))
                found.append((classifier.expert, classifier.names[best].partition(",")[0], peak))
        return found

    def best_second(self, row: int) -> float:
        """Start of the frame of a video that matches the text best; 0 for a video without frames."""
        best = max(self._best_frames(row), key=lambda one: one.score, default=None)
        return best.start_s if best else 0.0

    def _best_frames(self, row: int) -> "list[_BestFrame]":
        """The best frame of a video by each classifier that has any of it."""
        found = []
        for classifier, weights in self.weights:
            top, first = classifier.of_video(row), int(classifier.top.offsets[row])
            scores = label_words.frame_scores(weights, top, self.settings)
            if len(scores):
                frame = int(scores.argmax())
                start_s = round(float(classifier.starts_s[first + frame]), 3)
                found.append(_BestFrame(classifier, weights, top, frame, float(scores[frame]), start_s))
        return found


@dataclass(frozen=True)
class _BestFrame:
    """The frame of a video with the highest score by one classifier."""

    classifier: Classifier
    weights: Floats
    """(L,)"""
    top: TopLabels
    """Of the video."""
    frame: int
    """Index in the video."""
    score: float
    start_s: float

    def reasons(self, settings: LabelWords) -> list[tuple[float, Seen]]:
        """What each label adds to the score, with the label."""
        probability = dict(zip(self.top.classes[self.frame].tolist(), self.top.probabilities[self.frame], strict=True))
        parts = label_words.contributions(self.weights, self.top, settings, self.frame)
        names, expert = self.classifier.names, self.classifier.expert
        return [
            (part, Seen(names[label], expert, round(float(probability[label]), 6), self.start_s))
            for label, part in parts.items()
        ]


@dataclass(frozen=True)
class LabelSearch:
    """The classifiers of an index, and the sentence encoder that reads queries."""

    classifiers: Sequence[Classifier]
    encoders: TextEncoders
    settings: LabelWords
    floors: Floors

    @classmethod
    def open(cls, folder: Path, encoders: TextEncoders, settings: SearchConfig) -> "LabelSearch":
        """Those of the index in `folder`."""
        classifiers = [Classifier(folder, expert) for expert in encoders.facts.labelled]
        return cls(classifiers, encoders, settings.label_words, settings.floors)

    def find(
        self, text: SplitQuery, allowed: NDArray[np.bool_], factors: Mapping[str, float], notes: list[str]
    ) -> FoundLabels | None:
        """The at most CANDIDATES best of the `allowed` videos, (V,) bools; None when none is above the floors.

        The score for what is not wanted is taken from that for what is. `factors`: by which the score by an expert is
        multiplied, by default 1; an expert of 0 takes no part. Appends to `notes` why the sentence encoder could not
        be loaded.
        """
        taking_part = [one for one in self.classifiers if factors.get(one.expert, 1.0) > 0]
        if not taking_part:
            return None
        try:
            query, unwanted = self._query(text.wanted), [self._query(one) for one in text.unwanted]
        except PipelineError as error:
            notes.append(f"Label words take no part: {error}")
            return None
        joined = LabelVectors.join([classifier.labels for classifier in taking_part])
        pairs = self._weights(query, taking_part)
        scores = self._scores(pairs, factors, len(allowed))
        for one in unwanted:
            scores -= self._scores(self._weights(one, taking_part), factors, len(allowed))
        is_near = joined.nearest(query) >= self.floors.label_words_near
        ranking = self._ranking(
            scores, allowed, self.floors.label_words_of_near if is_near else self.floors.label_words
        )
        return FoundLabels(pairs, self.settings, ranking) if ranking.scores else None

    def _weights(self, query: Floats, classifiers: Sequence[Classifier]) -> list[tuple[Classifier, Floats]]:
        """Each classifier with the weights (L,) of its classes for a query (1, D)."""
        labels = [classifier.labels for classifier in classifiers]
        weights = label_words.label_weights(query, LabelVectors.join(labels), self.settings.temperature)
        return list(zip(classifiers, (part[0] for part in label_words.split(weights, labels)), strict=True))

    def _scores(
        self, pairs: Sequence[tuple[Classifier, Floats]], factors: Mapping[str, float], num_videos: int
    ) -> Floats:
        """(V,), the scores of all videos by the classifiers' weights."""
        scores = np.zeros(num_videos, np.float32)
        for classifier, of_classes in pairs:
            factor = np.float32(factors.get(classifier.expert, 1.0))
            scores += factor * label_words.video_scores(of_classes, classifier.top, self.settings)
        return scores

    def _query(self, text: str) -> Floats:
        """(1, D) of length 1."""
        vectors = self.encoders.encode(self.encoders.facts.sentences, text)
        return label_words.sentence_vectors(Ragged.stack([vectors], vectors.shape[1]))

    def _ranking(self, scores: Floats, allowed: NDArray[np.bool_], floor: float) -> Ranking:
        rows = np.flatnonzero(allowed & (scores >= floor))
        best = rows[np.argsort(-scores[rows], kind="stable")][:CANDIDATES]
        highest = float(scores[best[0]]) if len(best) else 0.0
        found = {int(row): float(scores[row]) for row in best if scores[row] >= self.floors.label_words_keep * highest}
        # Ranks alone would make a distant second as good as a near one, and scores are comparable within a query.
        fits = allowed & (scores >= max(floor, self.floors.label_words_keep * highest))
        return Ranking(found, {row: score / highest if highest else 0.0 for row, score in found.items()}, fits)


def save(folder: Path, expert: str, labels: LabelSources, store: Reader, keys: Sequence[str]) -> None:
    """Writes what `expert` recognised in V videos, the rows `keys` of its store, into the index at `folder`."""
    (folder / FOLDER).mkdir(exist_ok=True)
    classes, vectors, path = labels.classifiers[expert], labels.labels(expert), Classifier(folder, expert).file
    np.savez(path("labels.npz"), descriptions=vectors.descriptions, synonyms=vectors.synonyms, offsets=vectors.offsets)
    atomic.write_text(path("names.json"), json.dumps(classes.names, ensure_ascii=False))
    starts_s, counts = [np.zeros(0, np.float64)], [np.zeros(1, np.int64)]
    with (
        GrowingArray(path("classes.npy"), (classes.keep,), np.int16) as indices,
        GrowingArray(path("probabilities.npy"), (classes.keep,)) as probabilities,
    ):
        for start in range(0, len(keys), BLOCK_VIDEOS):
            block = keys[start : start + BLOCK_VIDEOS]
            top = top_labels(store, block, classes.keep)
            indices.append(top.classes)
            probabilities.append(top.probabilities)
            starts_s.append(store.times_s(block).values[:, 0].astype(np.float64))
            counts.append(np.diff(top.offsets))
    offsets = np.cumsum(np.concatenate(counts))
    np.savez(path("frames.npz"), offsets=offsets, starts_s=np.concatenate(starts_s))
