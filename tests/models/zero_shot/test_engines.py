import dataclasses

import numpy as np
import pytest
from scipy.special import softmax

from models.evaluation.evaluate import similarities
from models.inputs.load import Tower, collect
from models.network_inputs import AlignedInput, ExpertInput
from models.networks.residual import network
from models.zero_shot.aligned import aligned
from models.zero_shot.engines import caption_scores, engines, started
from models.zero_shot.stored import Classes
from pipeline.errors import DamagedError
from tests.models.synthetic import SETTINGS, SIGNAL
from tests.models.zero_shot.labelled import NAMES


def by_formula(stored, caption, video, pool):
    """The score by label words, written out: one frame and one label at a time."""
    everything, sentences = [name for names in NAMES.values() for name in names], stored.sentences
    described = softmax(np.array([sentences[name] @ sentences[caption] for name in everything]) / 0.2)
    nearest = [max(sentences[one] @ sentences[caption] for one in name.split(", ")) for name in everything]
    weight = dict(zip(everything, (described + softmax(np.array(nearest) / 0.2)) / 2, strict=True))
    expected = 0.0
    for expert, names in NAMES.items():
        frames = [
            sum(weight[names[label]] * p**0.5 for label, p in zip(*pair, strict=True))
            for pair in zip(*stored.recognised[expert, video.content], strict=True)
        ]
        expected += pool(frames) if frames else 0.0
    return expected


@pytest.mark.parametrize(("name", "pool"), [("label_words", max), ("label_words.mean", np.mean)])
def test_every_caption_is_scored_by_label_words_by_the_formula(stored, name, pool):
    data = collect(stored.sources, "test")
    found = {engine.name: engine.scores for engine in engines(stored.sources, data, stored.labels)}[name]
    for row, caption in zip(found, data.captions, strict=True):
        expected = [by_formula(stored, caption, video, pool) for video in data.videos]
        assert row == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("name", "pool"), [("signal.mean", np.mean), ("signal.best", None)])
def test_every_caption_is_compared_with_the_mean_and_with_the_best_row(stored, name, pool):
    data = collect(stored.sources, "test")
    found = {engine.name: engine.scores for engine in engines(stored.sources, data, stored.labels)}[name]
    for row, caption in zip(found, data.captions, strict=True):
        for score, features in zip(row, data.collection.features["signal"], strict=True):
            values = [features.mean(0)] if pool and len(features) else list(features)
            cosines = [value @ stored.captions[caption] / np.linalg.norm(value) for value in values]
            assert score == pytest.approx(max(cosines, default=-1), abs=1e-6)


def test_a_project_without_aligned_experts_has_no_engine(stored):
    plain = dataclasses.replace(stored.sources, towers={})
    assert not list(engines(plain, collect(plain, "test"), None))


def test_a_single_aligned_expert_is_fused_with_nothing(stored):
    names = [engine.name for engine in engines(stored.sources, collect(stored.sources, "test"), None)]
    assert names == ["signal.mean", "signal.best"]


def late(stored, store):
    tokens = {"signal": Tower("tower.tokens", stored.sources.towers["signal"].store.parent / store, SIGNAL.dim)}
    data = collect(stored.sources, "test")
    found = {one.name: one for one in engines(dataclasses.replace(stored.sources, tokens=tokens), data, None)}
    assert list(found) == ["signal.mean", "signal.best", "signal.late"]
    return data, found


def test_every_token_of_a_caption_is_compared_with_the_nearest_row(stored):
    data, found = late(stored, "tower.tokens")
    for row, caption in zip(found["signal.late"].scores, data.captions, strict=True):
        for score, features in zip(row, data.collection.features["signal"], strict=True):
            units = [value / np.linalg.norm(value) for value in features.astype(np.float64)]
            nearest = [max((token @ unit for unit in units), default=-1) for token in stored.tokens[caption]]
            assert score == pytest.approx(np.mean(nearest), abs=1e-5)
    assert found["signal.late"].note.startswith("token by token by tower.tokens with the nearest of at most 32 ")


def test_where_a_caption_is_one_vector_late_interaction_is_the_best_row_and_says_so(stored):
    _, found = late(stored, "tower")
    np.testing.assert_allclose(found["signal.late"].scores, found["signal.best"].scores, atol=1e-6)
    assert found["signal.late"].note.startswith("as one vector by tower.tokens with the nearest")


def test_the_fusion_is_calibrated_by_the_training_split(stored):
    """Written out: each expert's scores less their mean over the wrong pairs of training, by their deviation."""
    train, data = (collect(stored.sources, split) for split in ("train", "test"))
    found = {one.name: one.scores for one in engines(stored.sources, data, stored.labels)}
    raw = {split: raw_scores(stored, of) for split, of in (("train", train), ("test", data))}
    owners = train.collection.caption_video
    scores, seen = np.zeros(found["fusion"].shape), np.zeros(found["fusion"].shape)
    for expert, values in raw["test"].items():
        of_train = raw["train"][expert]
        wrong = (owners[:, None] != np.arange(len(train.videos))) & ~np.isnan(of_train)
        calibrated = (values - of_train[wrong].mean()) / of_train[wrong].std() * 0.1
        scores += np.nan_to_num(calibrated)
        seen += ~np.isnan(values)
    assert found["fusion"] == pytest.approx(scores / np.maximum(seen, 1), abs=1e-5)


def test_fixed_weights_have_a_row_of_their_own_with_which_a_residual_network_begins(stored):
    """Epoch 0 of a network that was given this start scores each pair as the row does."""
    data = collect(stored.sources, "test")
    even = started(stored.sources, stored.labels)
    assert even.is_even, "of so few training videos"
    assert started(stored.sources, None) is None, "a single aligned expert is fused with nothing"
    start = dataclasses.replace(even, weights={"signal": 0.7, "things": 0.25, "sounds": 0.05})
    *_, first, last = engines(stored.sources, data, stored.labels, start)
    assert (first.name, last.name, last.experts) == ("fusion", "fusion.weights", first.experts)
    told = ", ".join(f"{start.weights[name]:.2f}" for name in last.experts)
    assert last.label == f"{first.label}, fixed weights" and last.note.endswith(f" with the weights {told}")
    experts = (*stored.sources.experts, ExpertInput("things", 2), ExpertInput("sounds", 2))
    data = collect(dataclasses.replace(stored.sources, experts=experts), "test")
    pairs = aligned(stored.sources, data, stored.labels)
    collection = dataclasses.replace(data.collection, aligned=pairs)
    sized = [AlignedInput(name, pair.texts.shape[1], pair.temperature) for name, pair in pairs.items()]
    architecture = dataclasses.replace(SETTINGS.architecture, head="residual")
    model = network(collection.experts, collection.text, architecture, sized)
    model.weigh(start.weights)
    for name, one in start.calibrations.items():
        model.calibrate(name, one.mean, one.scale)
    assert similarities(model, collection) == pytest.approx(last.scores, abs=1e-7)
    assert np.abs(first.scores - last.scores).max() > 1e-3


def raw_scores(stored, data):
    """Expert -> (C, V), NaN where it saw nothing of a video."""
    found = {}
    means = [
        rows.mean(0) if len(rows) else np.full(rows.shape[1], np.nan) for rows in data.collection.features["signal"]
    ]
    units = np.array([mean / np.linalg.norm(mean) for mean in means])
    found["signal"] = np.array([stored.captions[caption] for caption in data.captions]) @ units.T
    for expert in NAMES:
        found[expert] = np.array(
            [[of_classifier(stored, caption, video, expert) for video in data.videos] for caption in data.captions]
        )
    return found


def of_classifier(stored, caption, video, expert):
    if not len(stored.recognised[expert, video.content][0]):
        return np.nan
    others = {
        key: value if key[0] == expert else (value[0][:0], value[1][:0]) for key, value in stored.recognised.items()
    }
    return by_formula(stored._replace(recognised=others), caption, video, np.mean)


def test_a_store_whose_rows_have_no_labels_is_told(stored):
    plain = dataclasses.replace(stored.labels, classifiers={"signal": Classes(("zebra",), ("zebra",), 1)})
    with pytest.raises(DamagedError, match="'labels' is not there"):
        caption_scores(stored.sources, collect(stored.sources, "test"), plain)
