"""Zero-shot text to image on the plain photographs, one frame each: without motion, sound or training.

It goes through the product's own code: the frame as the expert rgb_lite is shown it, its labels, the sentence encoder
and the score of models/zero_shot. C captions, one for each of C photographs.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.stamps.photographs import Photograph, on_grey
from extractors import registry
from extractors.base import Extractor, FrameNeed, FrameView, TextEncoder
from extractors.extraction.resize import Resize, resize_frame
from models.evaluation.metrics import Ranks, caption_ranks
from models.zero_shot.label_words import Floats, LabelVectors, TopLabels, scores, sentence_vectors
from models.zero_shot.settings import LabelWords, synonyms
from pipeline.stores.ragged import Ragged
from pipeline.weights.files import WeightOptions

CLASSIFIER, SENTENCES = "rgb_lite", "sentence_minilm"
BATCH = 32


def ranks(found: Sequence[Photograph], configs: Path, weights: WeightOptions, settings: LabelWords) -> Ranks:
    """Where each of the C captions finds its photograph among all."""
    expert = registry.expert(CLASSIFIER, configs / "experts", weights).extractor
    expert.load("cpu")
    top = labels_of(found, expert)
    encoder = registry.text(SENTENCES, configs / "text", weights).encoder
    encoder.load("cpu")
    queries = vectors_of(encoder, [one.caption for one in found])
    return caption_ranks(scores(queries, [classes_of(expert, encoder)], [top], settings), np.arange(len(found)))


def classes_of(expert: Extractor, encoder: TextEncoder) -> LabelVectors:
    """The vectors of a classifier's classes."""
    names = [synonyms(name) for name in expert.labels]
    offsets = np.concatenate([[0], np.cumsum([len(of_class) for of_class in names])]).astype(np.int64)
    flat = [name for of_class in names for name in of_class]
    return LabelVectors(vectors_of(encoder, expert.label_descriptions), vectors_of(encoder, flat), offsets)


def vectors_of(encoder: TextEncoder, texts: Sequence[str]) -> Floats:
    """(len(texts), D), of length 1."""
    return sentence_vectors(Ragged.stack(encoder.encode(list(texts)), encoder.dim))


def labels_of(found: Sequence[Photograph], expert: Extractor) -> TopLabels:
    """What a loaded classifier recognises in the photographs."""
    need = expert.need
    assert isinstance(need, FrameNeed)
    parts = []
    for start in range(0, len(found), BATCH):
        shown = [resize_frame(on_grey(one.picture), Resize.of(need)) for one in found[start : start + BATCH]]
        times_s = np.stack([np.arange(len(shown)), np.arange(1, len(shown) + 1)], axis=1).astype(np.float64)
        view = FrameView(np.stack(shown), np.arange(len(shown)), 1, times_s)
        parts.append(expert.embed(expert.prepare(view)).extras)
    classes, probabilities = (np.concatenate([part[name] for part in parts]) for name in ("labels", "label_scores"))
    return TopLabels(classes, probabilities, np.arange(len(found) + 1))
