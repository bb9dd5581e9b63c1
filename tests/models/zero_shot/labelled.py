"""Stores of two classifiers and of an expert that is aligned with text, over synthetic videos, with what is in them."""

import dataclasses
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from models.inputs.load import Sources, Tower
from models.zero_shot.settings import LabelWords
from models.zero_shot.stored import Classes, LabelSources
from pipeline.datasets.annotations import Caption
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tests.models.synthetic import SIGNAL
from tests.models.synthetic_stores import stored_sources

DIM, KEPT = 12, 3
NAMES = {"things": ("zebra", "barbell, bar", "rocket", "cup"), "sounds": ("bark", "rain")}
CLASSES = {expert: Classes(names, names, min(KEPT, len(names))) for expert, names in NAMES.items()}
SETTINGS = LabelWords("sentences", temperature=0.2, labels=KEPT)


class Labelled(NamedTuple):
    """The sources, and what is in their stores."""

    sources: Sources
    labels: LabelSources
    recognised: dict
    """(classifier, content of a video) -> (n, K) classes and probabilities"""
    sentences: dict
    """Text -> its vector of length 1 by the sentence encoder."""
    captions: dict
    """Caption -> its vector of length 1 by the text tower of `signal`."""
    tokens: dict
    """Caption -> the vectors of its tokens, (W, D)."""


def vectors(chance, count, dim=DIM):
    values = chance.normal(size=(count, dim))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def labelled_stores(root) -> Labelled:
    """Two classifiers that saw 0 to 4 frames of each video; `signal`, which has a row of each but test3, is aligned."""
    chance = np.random.default_rng(3)
    sources = stored_sources(root / "plain", fully_blind=("test3",))
    recognised = {}
    for expert, names in NAMES.items():
        for video in sources.manifest.videos:
            count = int(chance.integers(0, 5))
            everything = softmax(2 * chance.normal(size=(count, len(names))), axis=1).astype(np.float32)
            kept = min(KEPT, len(names))
            order = np.argsort(-everything, axis=1)[:, :kept].astype(np.int16)
            recognised[expert, video.content] = order, np.take_along_axis(everything, order.astype(int), axis=1)
        _publish(root / expert, {key: item for (name, key), item in recognised.items() if name == expert})
    texts = list(dict.fromkeys(caption.text for video in sources.manifest.videos for caption in video.captions))
    everything = [name for names in NAMES.values() for name in names]
    wanted = list(dict.fromkeys([*texts, *everything, "barbell", "bar"]))
    sentences = dict(zip(wanted, vectors(chance, len(wanted)), strict=True))
    captions = dict(zip(texts, vectors(chance, len(texts), SIGNAL.dim), strict=True))
    tokens = {text: vectors(chance, int(chance.integers(1, 6)), SIGNAL.dim) for text in texts}
    _publish_texts(root / "sentences", {text: vector[None] for text, vector in sentences.items()}, DIM)
    _publish_texts(root / "tower", {text: vector[None] for text, vector in captions.items()}, SIGNAL.dim)
    _publish_texts(root / "tower.tokens", tokens, SIGNAL.dim)
    stores = sources.stores | {name: root / name for name in NAMES}
    towers = {"signal": Tower("tower", root / "tower", SIGNAL.dim)}
    sources = dataclasses.replace(sources, stores=stores, towers=towers)
    labels = LabelSources(SETTINGS, CLASSES, root / "sentences", DIM)
    return Labelled(sources, labels, recognised, sentences, captions, tokens)


def _publish_texts(folder, encoded, dim):
    rows = [Features(values, np.zeros((len(values), 2))) for values in encoded.values()]
    parts.publish(folder, [Row(Caption(text).key, len(values)) for text, values in encoded.items()], rows, dim)


def _publish(folder, rows):
    features = [
        Features(np.zeros((len(classes), 2), np.float32), np.zeros((len(classes), 2)), extras)
        for classes, probabilities in rows.values()
        for extras in [{"labels": classes, "label_scores": probabilities}]
    ]
    parts.publish(folder, [Row(key, len(item.values)) for key, item in zip(rows, features, strict=True)], features, 2)
