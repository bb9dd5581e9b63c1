import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import softmax

from models.zero_shot import label_words
from models.zero_shot.label_words import (
    LabelVectors,
    TopLabels,
    contributions,
    frame_scores,
    label_weights,
    sentence_vectors,
    video_scores,
)
from models.zero_shot.settings import LabelWords
from pipeline.stores.ragged import Ragged

D, CLASSES, KEPT = 8, 40, 6
SETTINGS = LabelWords("sentences", temperature=0.1, labels=KEPT)


@pytest.fixture
def chance():
    return np.random.default_rng(7)


def unit(values):
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def recognised(chance, counts, classes=CLASSES):
    """What a classifier recognised at random, and the same as (N, classes), 0 where nothing is kept."""
    everything = softmax(3 * chance.normal(size=(sum(counts), classes)), axis=1).astype(np.float32)
    order = np.argsort(-everything, axis=1)[:, :KEPT]
    kept = np.take_along_axis(everything, order, axis=1)
    sparse = np.zeros_like(everything)
    np.put_along_axis(sparse, order, kept, axis=1)
    return TopLabels(order.astype(np.int16), kept, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)), sparse


def described(chance, classes=CLASSES):
    """Random vectors of classes with 1 to 3 synonyms each."""
    counts = chance.integers(1, 4, classes)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return LabelVectors(
        unit(chance.normal(size=(classes, D))), unit(chance.normal(size=(int(offsets[-1]), D))), offsets
    )


def plain(vectors):
    """Classes whose one synonym is their description."""
    return LabelVectors(vectors, vectors, np.arange(len(vectors) + 1))


def test_weights_are_the_mean_of_scipys_softmax_over_descriptions_and_over_the_nearest_synonyms(chance):
    queries, labels = unit(chance.normal(size=(3, D))), described(chance)
    found = label_weights(queries, labels, 0.05)
    for row, query in zip(found, queries, strict=True):
        synonyms = np.split(labels.synonyms, labels.offsets[1:-1])
        nearest = [max(float(query @ one) for one in of_class) for of_class in synonyms]
        expected = (softmax(labels.descriptions @ query / 0.05) + softmax(np.array(nearest) / 0.05)) / 2
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)


def test_the_nearest_name_may_be_a_description_or_a_synonym(chance):
    labels = described(chance, 5)
    assert labels.nearest(labels.descriptions[2:3]) == pytest.approx(1)
    assert labels.nearest(labels.synonyms[3:4]) == pytest.approx(1)
    query = unit(chance.normal(size=(1, D)))
    everything = np.concatenate([labels.descriptions, labels.synonyms])
    assert labels.nearest(query) == pytest.approx(max(float(query[0] @ one) for one in everything))


def test_cosines_far_apart_neither_overflow_nor_vanish():
    labels = np.array([[1, 0], [-1, 0]], np.float32)
    np.testing.assert_allclose(label_weights(labels, plain(labels), 1e-3), np.eye(2))


def test_a_query_without_words_is_as_far_from_every_label():
    labels = plain(np.eye(4, dtype=np.float32))
    np.testing.assert_allclose(label_weights(np.zeros((1, 4), np.float32), labels, 0.05), 0.25)


def test_a_text_is_the_mean_of_its_token_vectors_at_length_1(chance):
    texts = [chance.normal(size=(count, D)).astype(np.float32) for count in (3, 0, 1)]
    expected = [unit(texts[0].mean(0)), np.zeros(D), unit(texts[2][0])]
    np.testing.assert_allclose(sentence_vectors(Ragged.stack(texts, D)), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("power", [0.5, 0.3, 1.0])
def test_frames_are_scored_by_the_sparse_product_of_weights_and_powered_probabilities(chance, monkeypatch, power):
    monkeypatch.setattr(label_words, "BLOCK_FRAMES", 7)
    top, sparse = recognised(chance, [20, 15])
    weights = chance.random(CLASSES).astype(np.float32)
    expected = csr_array(sparse.astype(np.float64) ** power * (sparse > 0)) @ weights
    found = frame_scores(weights, top, dataclasses.replace(SETTINGS, power=power))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(("pool", "of_frames"), [("max", np.max), ("mean", np.mean)])
def test_a_video_has_the_score_of_its_best_frame_or_the_mean_and_0_without_frames(chance, pool, of_frames):
    counts = [0, 4, 0, 0, 1, 9, 0]
    top, _ = recognised(chance, counts)
    weights, settings = chance.random(CLASSES).astype(np.float32), dataclasses.replace(SETTINGS, pool=pool)
    by_video = np.split(frame_scores(weights, top, settings), top.offsets[1:-1])
    expected = [of_frames(scores) if len(scores) else 0 for scores in by_video]
    np.testing.assert_allclose(video_scores(weights, top, settings), expected, rtol=1e-6)


def test_no_video_has_a_frame():
    nothing = TopLabels(np.zeros((0, KEPT), np.int16), np.zeros((0, KEPT), np.float32), np.zeros(4, np.int64))
    np.testing.assert_array_equal(video_scores(np.ones(CLASSES, np.float32), nothing, SETTINGS), np.zeros(3))


def test_only_the_most_probable_labels_count(chance):
    top, _ = recognised(chance, [10])
    weights, two = chance.random(CLASSES).astype(np.float32), dataclasses.replace(SETTINGS, labels=2)
    cut = TopLabels(top.classes[:, :2], top.probabilities[:, :2], top.offsets)
    np.testing.assert_array_equal(frame_scores(weights, top, two), frame_scores(weights, cut, SETTINGS))


def test_what_the_labels_of_a_frame_add_is_its_score_and_the_largest_is_first(chance):
    top, _ = recognised(chance, [10])
    weights = chance.random(CLASSES).astype(np.float32)
    parts = contributions(weights, top, SETTINGS, 3)
    assert sum(parts.values()) == pytest.approx(float(frame_scores(weights, top, SETTINGS)[3]), rel=1e-5)
    assert list(parts.values()) == sorted(parts.values(), reverse=True)
    first = next(iter(parts))
    place = list(top.classes[3]).index(first)
    assert parts[first] == pytest.approx(float(weights[first]) * float(top.probabilities[3, place]) ** 0.5, rel=1e-5)


def test_classifiers_share_one_softmax_and_their_scores_add_up(chance):
    queries, labels = unit(chance.normal(size=(3, D))), [described(chance, count) for count in (CLASSES, 11)]
    tops = [recognised(chance, [3, 0, 5])[0], recognised(chance, [1, 2, 0], 11)[0]]
    found = label_words.scores(queries, labels, tops, SETTINGS)
    shared = label_weights(queries, LabelVectors.join(labels), SETTINGS.temperature)
    np.testing.assert_allclose(shared.sum(1), 1, rtol=1e-5)
    for row, weights in zip(found, shared, strict=True):
        of_first, of_second = weights[:CLASSES], weights[CLASSES:]
        expected = video_scores(of_first, tops[0], SETTINGS) + video_scores(of_second, tops[1], SETTINGS)
        np.testing.assert_allclose(row, expected, rtol=1e-5)


def test_joined_classes_keep_their_synonyms(chance):
    first, second = described(chance, 3), described(chance, 4)
    joined = LabelVectors.join([first, second])
    of_each = [np.split(one.synonyms, one.offsets[1:-1]) for one in (first, second)]
    for expected, found in zip(of_each[0] + of_each[1], np.split(joined.synonyms, joined.offsets[1:-1]), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_of_two_labels_that_were_seen_the_one_that_the_query_names_decides():
    names = np.eye(3, dtype=np.float32)
    top = TopLabels(
        np.array([[0, 1], [1, 0]], np.int16), np.array([[0.6, 0.3], [0.7, 0.2]], np.float32), np.array([0, 1, 2])
    )
    found = label_words.scores(names[:2], [plain(names)], [top], SETTINGS)
    assert found[0].argmax() == 0
    assert found[1].argmax() == 1
