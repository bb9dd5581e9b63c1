import numpy as np
import pytest
from sklearn.cluster import KMeans

from models.zero_shot.few_vectors import MOST_VECTORS, few, few_vectors
from pipeline.stores.ragged import Ragged


def clustered(count, num_centres, spread, dim=16):
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(num_centres, dim))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    owners = np.arange(count) % num_centres
    return (3 * centres[owners] + spread * chance.normal(size=(count, dim))).astype(np.float32), centres


def test_few_rows_are_kept_as_they_are_but_for_their_length():
    values, _ = clustered(MOST_VECTORS, 8, 0.5)
    expected = values / np.linalg.norm(values, axis=1, keepdims=True)
    np.testing.assert_allclose(few(values), expected, atol=1e-6)


@pytest.mark.parametrize("count", [MOST_VECTORS + 1, 100, 400])
def test_many_rows_become_so_many_of_length_1_that_lie_as_near_to_them_as_those_of_another_library(count):
    values, _ = clustered(count, 50, 1.0)
    units = values / np.linalg.norm(values, axis=1, keepdims=True)
    found = few(values)
    theirs = KMeans(MOST_VECTORS, n_init=3, random_state=0).fit(units).cluster_centers_
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    assert found.shape == (MOST_VECTORS, 16)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert (units @ found.T).max(1).mean() > (units @ theirs.T).max(1).mean() - 0.03


def test_what_is_there_in_clusters_is_found():
    values, centres = clustered(640, 8, 0.01)
    assert (centres @ few(values).T).max(1).min() > 0.999


def test_the_same_rows_give_the_same_vectors_whatever_video_is_beside_them():
    values, _ = clustered(100, 20, 0.5)
    alone, beside = few(values), few_vectors(Ragged.stack([values[::-1], values, values[:0], values[:3]], 16))
    np.testing.assert_array_equal(beside[1], alone)
    assert beside.counts.tolist() == [MOST_VECTORS, MOST_VECTORS, 0, 3]


@pytest.mark.parametrize("num_different", [1, 3])
def test_rows_that_are_all_alike_become_vectors_that_are_too(num_different):
    values = np.repeat(np.eye(16, dtype=np.float32)[:num_different], 20, 0)
    values = np.concatenate([values, values, values])
    assert (values @ few(values).T).max(1) == pytest.approx(1, abs=1e-5)


def test_rows_of_zeros_are_left_out():
    assert few(np.zeros((40, 16), np.float32)).shape == (0, 16)
    assert len(few(np.concatenate([np.zeros((40, 16)), np.eye(16)]).astype(np.float32))) == 16
