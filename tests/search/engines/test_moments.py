import numpy as np

from pipeline.stores.ragged import Ragged
from search.engines import moments


def rows(*videos: list[float]) -> Ragged:
    return Ragged.stack([np.array(one, np.float32).reshape(-1, 1) for one in videos], 1)


def times(*videos: list[float]) -> Ragged:
    """Vectors of one second each, from these seconds on."""
    return Ragged.stack([np.array([[at, at + 1] for at in one], np.float32).reshape(-1, 2) for one in videos], 2)


def test_each_moment_holds_the_vectors_whose_middle_is_in_it():
    cut = moments.cut(
        {"look": rows([1, 2, 3], [4]), "words": rows([], [5, 6])},
        {"look": times([0, 1, 2], [0]), "words": times([], [0, 7])},
        2.0,
    )
    assert cut.offsets.tolist() == [0, 2, 4]
    assert cut.starts_s.tolist() == [0.0, 2.0, 0.0, 6.0]
    assert [cut.features["look"][at].ravel().tolist() for at in range(4)] == [[1, 2], [3], [4], []]
    assert [cut.features["words"][at].ravel().tolist() for at in range(4)] == [[], [], [5], [6]]


def test_a_video_without_a_vector_has_no_moment():
    cut = moments.cut({"look": rows([], [1], [])}, {"look": times([], [3], [])}, 2.0)
    assert cut.offsets.tolist() == [0, 0, 1, 1]


def test_vectors_out_of_order_keep_their_order_within_a_moment():
    cut = moments.cut({"look": rows([1, 2, 3])}, {"look": times([4, 0, 4.5])}, 2.0)
    assert cut.starts_s.tolist() == [0.0, 4.0]
    assert cut.features["look"][1].ravel().tolist() == [1, 3]
