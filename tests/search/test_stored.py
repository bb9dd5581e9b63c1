import numpy as np
import pytest

from pipeline import parts
from pipeline.errors import StoreError
from pipeline.parts import Features
from pipeline.store import Row
from search.stored import Stored


def features(count: int, value: float) -> Features:
    times = np.arange(2.0 * count).reshape(count, 2)
    return Features(np.full((count, 3), value, np.float32), times)


@pytest.fixture
def stored(tmp_path) -> Stored:
    parts.publish(tmp_path, [Row("a", 2), Row("b", 0)], [features(2, 1.0), features(0, 0.0)], 3)
    parts.publish(tmp_path, [Row("c", 1), Row("d", 0, failed=True)], [features(1, 2.0), features(0, 0.0)], 3)
    parts.publish(tmp_path, [Row("d", 3)], [features(3, 4.0)], 3)
    return Stored(tmp_path, 3)


def test_rows_come_in_the_order_that_is_asked_for_and_agree_with_a_whole_read(stored, tmp_path):
    keys = ["d", "a", "b", "a", "c"]
    values, times = stored.read(keys)
    whole = parts.read(tmp_path, keys, 3)
    assert np.array_equal(values.values, whole.values)
    assert np.array_equal(values.offsets, whole.offsets)
    assert times.counts.tolist() == [3, 2, 0, 2, 1]
    assert times[1].tolist() == [[0.0, 1.0], [2.0, 3.0]]


def test_a_failed_row_that_worked_later_counts_as_it_is_now(stored):
    assert [stored.count(key) for key in "abcd"] == [2, 0, 1, 3]


def test_a_row_that_is_not_there_is_named(stored):
    with pytest.raises(StoreError, match="no row e; run the extraction again"):
        stored.read(["a", "e"])


def test_vectors_of_another_length_are_refused(stored, tmp_path):
    with pytest.raises(StoreError, match="not 2 vectors of length 4"):
        Stored(tmp_path, 4).read(["a"])


def test_nothing_asked_is_nothing_read(stored):
    values, times = stored.read([])
    assert values.values.shape == (0, 3)
    assert times.values.shape == (0, 2)
