import numpy as np
import pytest
import torch

from models.networks.ce import Embeddings, score, shares
from search.index import vectors
from search.index.vectors import UNSEEN, Query, Vectors, load, save

EXPERTS, DIMS, NUM = ("ocr", "rgb", "speech"), (4, 7, 5), 50


def unit(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Vectors:
    """Fifty rows as they are read from disk; the third has no expert."""
    rng = np.random.default_rng(0)
    present = rng.random((NUM, len(EXPERTS))) < 0.7
    present[2] = False
    folder = tmp_path_factory.mktemp("vectors") / "videos"
    save(folder, EXPERTS, [unit(rng.normal(size=(NUM, dim))) for dim in DIMS], present)
    return load(folder, EXPERTS)


@pytest.fixture
def query() -> Query:
    rng = np.random.default_rng(1)
    return Query(tuple(unit(rng.normal(size=dim)) for dim in DIMS), np.array([0.5, 0.2, 0.3], np.float32))


def by_the_network(stored: Vectors, query: Query) -> tuple[np.ndarray, np.ndarray]:
    """(scores (N,), shares (N, E)) of models.networks.ce."""
    texts = Embeddings(
        tuple(torch.from_numpy(one[None]) for one in query.vectors), torch.from_numpy(query.weights[None])
    )
    videos = Embeddings(
        tuple(torch.from_numpy(np.array(values)) for values in stored.vectors), torch.from_numpy(stored.present).float()
    )
    return score(texts, videos)[0].numpy(), shares(texts, videos)[0].numpy()


@pytest.mark.parametrize("block_rows", [7, 50, 1000])
def test_scores_are_those_of_the_network_whatever_the_block(stored, query, monkeypatch, block_rows):
    monkeypatch.setattr(vectors, "BLOCK_ROWS", block_rows)
    expected, _ = by_the_network(stored, query)
    np.testing.assert_allclose(stored.scores(query), expected, rtol=0, atol=1e-6)
    rows = np.array([9, 2, 40])
    np.testing.assert_allclose(stored.scores_of(query, rows), expected[rows], rtol=0, atol=1e-6)
    assert stored.scores(query)[2] == UNSEEN


def test_shares_are_those_of_the_network_and_none_where_the_expert_is_missing(stored, query):
    _, expected = by_the_network(stored, query)
    for row in range(NUM):
        found = stored.shares(query, row)
        assert {name for name, share in found.items() if share is None} == {
            name for name, there in zip(EXPERTS, stored.present[row], strict=True) if not there
        }
        np.testing.assert_allclose([share or 0.0 for share in found.values()], expected[row], rtol=0, atol=1e-6)


def test_an_expert_of_weight_zero_has_no_part_in_a_score(stored, query):
    left_out = query.weighted(np.array([1, 0, 1], np.float32))
    expected, _ = by_the_network(stored, Query(query.vectors, np.array([0.5, 0.0, 0.3], np.float32)))
    only_rgb = (stored.present == [False, True, False]).all(1)
    assert only_rgb.any()
    assert (stored.scores(left_out)[only_rgb] == UNSEEN).all()
    np.testing.assert_allclose(stored.scores(left_out)[~only_rgb], expected[~only_rgb], rtol=0, atol=1e-6)


def test_a_row_as_a_query_is_nearest_to_itself(stored):
    row = int(np.flatnonzero(stored.present.all(1))[0])
    scores = stored.scores(stored.query(row))
    assert scores.argmax() == row
    assert scores[row] == pytest.approx(1.0)
    assert stored.query(2).weights.tolist() == [0, 0, 0]
