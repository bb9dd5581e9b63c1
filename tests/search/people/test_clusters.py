import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from search.people import clusters
from search.people.clusters import NEAR, NEAR_OF, cluster, near_of, unit

RANDOM = np.random.default_rng(5)
DIM = 64


def faces(*counts: int, noise: float = 0.05):
    """So many faces of each person, in any order, and who is seen on each."""
    centres = np.linalg.qr(RANDOM.normal(size=(DIM, len(counts))))[0].T
    who = RANDOM.permutation(np.repeat(np.arange(len(counts)), counts))
    return (centres[who] + RANDOM.normal(0, noise, (len(who), DIM))).astype(np.float32), who


def test_faces_of_one_person_are_together_and_those_of_the_most_come_first():
    values, who = faces(5, 30, 1, 12)
    found = cluster(values)
    assert adjusted_rand_score(who, found.numbers) == 1
    assert np.bincount(found.numbers).tolist() == [30, 12, 5, 1]
    np.testing.assert_allclose(np.linalg.norm(found.centres, axis=1), 1, rtol=1e-5)
    for number in range(4):
        mean = unit(values)[found.numbers == number].mean(axis=0)
        np.testing.assert_allclose(found.centres[number], mean / np.linalg.norm(mean), atol=1e-5)


def test_one_person_alone_is_one_cluster():
    values, _ = faces(20)
    assert cluster(values).numbers.tolist() == [0] * 20


@pytest.mark.parametrize("count", [0, 1])
def test_no_face_and_a_single_one(count):
    found = cluster(RANDOM.normal(size=(count, DIM)).astype(np.float32))
    assert found.numbers.tolist() == [0] * count
    assert found.centres.shape == (count, DIM)


def test_of_very_many_faces_the_others_join_the_nearest_cluster(monkeypatch):
    monkeypatch.setattr(clusters, "MOST_CLUSTERED", 40)
    values, who = faces(60, 30, 30)
    stranger = np.linalg.qr(np.c_[values[:3].T, RANDOM.normal(size=DIM)])[0].T[3:]
    found = cluster(np.concatenate([values[:50], stranger.astype(np.float32), values[50:]]))
    kept = np.delete(found.numbers, 50)
    assert adjusted_rand_score(who, kept) == 1
    assert kept.min() >= 0
    assert found.numbers[50] in {-1, found.numbers.max()}, "a cluster of its own where it is in the sample"


def test_extractors_whose_vectors_lie_close_ask_for_more(tmp_path):
    (tmp_path / "experts").mkdir()
    for name, extractor in {"light": "faces", "real": "face_identity"}.items():
        (tmp_path / "experts" / f"{name}.yaml").write_text(f"extractor: {extractor}\nmodality: face\n")
    assert near_of(tmp_path, "light") == NEAR_OF["faces"]
    assert near_of(tmp_path, "real") == near_of(tmp_path, "imported") == NEAR
