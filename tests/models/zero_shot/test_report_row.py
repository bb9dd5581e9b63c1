import dataclasses
import json

import numpy as np
import pytest
from scipy.special import softmax

from models.evaluation.metrics import caption_ranks, summary, video_ranks
from models.inputs.load import collect
from models.zero_shot.report_row import caption_scores, untrained
from models.zero_shot.settings import LabelWords
from models.zero_shot.stored import Classes, LabelSources
from pipeline.datasets.annotations import Caption
from pipeline.errors import DamagedError
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tests.models.synthetic_stores import stored_sources

DIM, KEPT = 12, 3
NAMES = {"things": ("zebra", "barbell, bar", "rocket", "cup"), "sounds": ("bark", "rain")}
CLASSES = {expert: Classes(names, names, min(KEPT, len(names))) for expert, names in NAMES.items()}
SETTINGS = LabelWords("sentences", temperature=0.2, labels=KEPT)


def vectors(chance, count):
    values = chance.normal(size=(count, DIM))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Sources with two classifiers, what is in their stores, and the sentence vector of each text."""
    root, chance = tmp_path_factory.mktemp("labelled"), np.random.default_rng(3)
    sources = stored_sources(root / "plain", fully_blind=("test3",))
    recognised = {}
    for expert, names in NAMES.items():
        for video in sources.manifest.videos:
            count = int(chance.integers(0, 5))
            everything = softmax(2 * chance.normal(size=(count, len(names))), axis=1).astype(np.float32)
            kept = min(KEPT, len(names))
            order = np.argsort(-everything, axis=1)[:, :kept].astype(np.int16)
            recognised[expert, video.content] = order, np.take_along_axis(everything, order.astype(int), axis=1)
        publish(root / expert, {key: item for (name, key), item in recognised.items() if name == expert})
    captions = [caption.text for video in sources.manifest.videos for caption in video.captions]
    everything = [name for names in NAMES.values() for name in names]
    wanted = list(dict.fromkeys([*captions, *everything, "barbell", "bar"]))
    sentences = dict(zip(wanted, vectors(chance, len(wanted)), strict=True))
    rows = [Features(vector[None], np.zeros((1, 2))) for vector in sentences.values()]
    parts.publish(root / "sentences", [Row(Caption(text).key, 1) for text in sentences], rows, DIM)
    sources = dataclasses.replace(sources, stores=sources.stores | {name: root / name for name in NAMES})
    return sources, LabelSources(SETTINGS, CLASSES, root / "sentences", DIM), recognised, sentences


def publish(folder, rows):
    features = [
        Features(np.zeros((len(classes), 2), np.float32), np.zeros((len(classes), 2)), extras)
        for classes, probabilities in rows.values()
        for extras in [{"labels": classes, "label_scores": probabilities}]
    ]
    parts.publish(folder, [Row(key, len(item.values)) for key, item in zip(rows, features, strict=True)], features, 2)


def test_every_caption_is_scored_for_every_video_by_the_formula(stored):
    """Written out here, one caption, one video, one frame and one label at a time."""
    sources, labels, recognised, sentences = stored
    data = collect(sources, "test")
    everything = [name for names in NAMES.values() for name in names]
    for row, caption in zip(caption_scores(sources, data, labels), data.captions, strict=True):
        described = softmax(np.array([sentences[name] @ sentences[caption] for name in everything]) / 0.2)
        nearest = [max(sentences[one] @ sentences[caption] for one in name.split(", ")) for name in everything]
        named = softmax(np.array(nearest) / 0.2)
        weight = dict(zip(everything, (described + named) / 2, strict=True))
        for score, video in zip(row, data.videos, strict=True):
            expected = 0.0
            for expert, names in NAMES.items():
                frames = [
                    sum(weight[names[label]] * p**0.5 for label, p in zip(*pair, strict=True))
                    for pair in zip(*recognised[expert, video.content], strict=True)
                ]
                expected += max(frames, default=0.0)
            assert score == pytest.approx(expected, rel=1e-4)


def test_the_row_holds_the_metrics_and_how_far_the_trained_model_is_from_it(stored):
    sources, labels, *_ = stored
    data = collect(sources, "test")
    scores, owners = caption_scores(sources, data, labels), data.collection.caption_video
    perfect = np.zeros_like(scores)
    perfect[np.arange(len(owners)), owners] = 1
    row = untrained(sources, data, labels, [caption_ranks(perfect, owners)])
    t2v = summary(caption_ranks(scores, owners))
    assert {name: value["mean"] for name, value in row["t2v"].items()} == t2v
    assert {name: value["mean"] for name, value in row["v2t"].items()} == summary(video_ranks(scores, owners))
    assert row["t2v"]["R@1"]["interval"][0] <= t2v["R@1"] <= row["t2v"]["R@1"]["interval"][1]
    assert row["gain"]["R@1"]["mean"] == pytest.approx(100 - t2v["R@1"])
    assert row["experts"] == ["things", "sounds"]
    assert json.loads(json.dumps(row)) == row


def test_a_store_whose_rows_have_no_labels_is_told(stored):
    sources, labels, *_ = stored
    plain = dataclasses.replace(labels, classifiers={"signal": Classes(("zebra",), ("zebra",), 1)})
    with pytest.raises(DamagedError, match="'labels' is not there"):
        caption_scores(sources, collect(sources, "test"), plain)
