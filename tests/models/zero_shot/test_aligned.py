import tracemalloc

import numpy as np
import pytest

from models.inputs.aligned import Aligned, Calibration
from models.zero_shot import aligned
from models.zero_shot.aligned import UNSEEN, cosines, fused, label_rows, mean_vectors
from models.zero_shot.label_words import TopLabels, video_scores
from models.zero_shot.settings import LabelWords
from pipeline.stores.ragged import Ragged
from tests.models.zero_shot.labelled import vectors

CHANCE = np.random.default_rng(1)
ROWS = Ragged.stack([CHANCE.normal(size=(count, 5)).astype(np.float32) for count in (3, 0, 1, 4, 0)], 5)


@pytest.mark.parametrize("pool", ["mean", "best"])
def test_a_video_without_rows_is_below_all_others(pool):
    found = cosines(vectors(CHANCE, 4, 5), ROWS, pool)
    assert (found[:, [1, 4]] == UNSEEN).all()
    assert (found[:, [0, 2, 3]] > UNSEEN).all()


def test_no_video_with_rows_gives_no_score():
    nothing = Ragged.stack([np.zeros((0, 5), np.float32)] * 2, 5)
    assert (cosines(vectors(CHANCE, 3, 5), nothing, "best") == UNSEEN).all()


def test_blocks_of_queries_give_the_same_scores(monkeypatch):
    queries = vectors(CHANCE, 7, 5)
    whole = cosines(queries, ROWS, "best")
    monkeypatch.setattr(aligned, "BLOCK_ENTRIES", 20)
    # A product of other shape may round otherwise, as it does on some processors.
    np.testing.assert_allclose(cosines(queries, ROWS, "best"), whole, rtol=0, atol=1e-6)


def test_a_product_with_the_rows_of_a_classifier_is_its_mean_score_by_label_words():
    settings = LabelWords(labels=2, power=0.5, pool="mean")
    classes = np.array([[3, 1, 0], [2, 0, 1], [0, 3, 2]], np.int16)
    probabilities = np.sort(CHANCE.uniform(size=(3, 3)).astype(np.float32))[:, ::-1]
    top = TopLabels(classes, probabilities, np.array([0, 2, 2, 3]))
    weights = CHANCE.uniform(size=4).astype(np.float32)
    assert weights @ label_rows(top, 4, settings).T == pytest.approx(video_scores(weights, top, settings), rel=1e-5)


def test_an_expert_that_lacks_a_video_leaves_its_share_to_the_others():
    pair = [Aligned(vectors(CHANCE, 3), vectors(CHANCE, 2), np.array(seen)) for seen in ([1, 1, 0], [1, 0, 0])]
    plain = Calibration(0.0, 1.0)
    first, second = (one.texts @ one.videos.T for one in pair)
    found = fused({"a": pair[0], "b": pair[1]}, {"a": plain, "b": plain})
    assert found[:, 0] == pytest.approx((first[:, 0] + second[:, 0]) / 2, abs=1e-6)
    assert found[:, 1] == pytest.approx(first[:, 1], abs=1e-6)
    assert not found[:, 2].any()


def test_the_means_of_mapped_rows_take_a_part_of_the_memory_that_the_rows_would():
    rows = Ragged(np.ones((60_000, 64), np.float32), np.arange(0, 60_001, 60, dtype=np.int64))
    tracemalloc.start()
    means = mean_vectors(rows)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(means, 1 / 8, rtol=1e-6)
    assert most < rows.values.nbytes
