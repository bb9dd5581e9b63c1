import numpy as np
import pytest

from benchmarks import fusion_collection as made_up
from benchmarks.fusion_collection import SPEECH, made

NEAR = 0.55
"""Cosine from which on a row says what a caption says; the nearest of 500 rows of other things have some 0.5."""


@pytest.fixture(scope="module")
def seeds():
    return {seed: made(seed) for seed in range(3)}


def test_there_are_a_thousand_videos_of_three_to_five_channels_and_none_is_in_two_splits(seeds):
    assert sum(made_up.SPLITS.values()) == 1000
    for seed, splits in seeds.items():
        assert {len(split.channels) for split in splits.values()} == {3 + seed}
        assert {name: split.rows.shape[1] for name, split in splits.items()} == made_up.SPLITS
    first = made(0)["train"].rows
    assert np.array_equal(first, seeds[0]["train"].rows, equal_nan=True), "the seed alone decides"


def test_rows_and_captions_have_length_one_and_a_tenth_of_the_rows_is_missing(seeds):
    rows, texts = seeds[2]["train"].rows, seeds[2]["train"].texts
    missing = np.isnan(rows).all(2)
    assert (missing == np.isnan(rows).any(2)).all()
    assert np.linalg.norm(rows[~missing], axis=1) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(texts, axis=1) == pytest.approx(1, abs=1e-5)
    shares = missing.mean(1)
    assert shares[SPEECH] == pytest.approx(0.2, abs=0.06)
    assert shares[1:] == pytest.approx(0.1, abs=0.05)


def test_a_caption_is_like_one_or_two_channels_of_its_video_and_speech_of_others_is_like_many(seeds):
    split = seeds[0]["train"]
    cosines = np.einsum("qd,cvd->qcv", split.texts, np.nan_to_num(split.rows))
    rows = np.arange(len(split.texts))
    own = cosines[rows, :, split.owners]
    assert 0.5 < (own > NEAR).sum(1).mean() < 2
    assert (own > NEAR).sum(1).max() <= 3
    cosines[rows, :, split.owners] = 0
    led_astray = (cosines > NEAR).any(2).mean(0)
    assert led_astray[SPEECH] > 0.12
    assert led_astray[1:].max() < 0.05


def test_without_a_signal_every_channel_is_as_good_and_nothing_is_missing():
    split = made(2, has_signal=False)["test"]
    assert not np.isnan(split.rows).any()
    own = np.einsum("qd,cqd->cq", split.texts, split.rows[:, split.owners]).mean(1)
    assert own == pytest.approx(own.mean(), abs=0.03)


def test_the_training_reads_the_same_vectors(seeds):
    split = seeds[1]["val"]
    collection = split.collection()
    for name, rows in zip(split.channels, split.rows, strict=True):
        there = ~np.isnan(rows[:, 0])
        assert np.array_equal(collection.features[name].counts > 0, there)
        assert np.array_equal(collection.features[name].values, rows[there])
    assert np.array_equal(collection.tokens.values, split.texts)
    assert np.array_equal(collection.caption_video, split.owners)
