import dataclasses

import numpy as np
import pytest

from pipeline.stores import mapped
from pipeline.stores.ragged import Ragged

ROWS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 3), np.float32), np.full((1, 3), 7, np.float32)]


def test_the_rows_come_back_as_they_were():
    block = Ragged.stack(ROWS, 3)
    assert len(block) == 3
    assert block.dim == 3
    assert block.counts.tolist() == [2, 0, 1]
    assert block.offsets.tolist() == [0, 2, 2, 3]
    for index, row in enumerate(ROWS):
        np.testing.assert_array_equal(block[index], row)


def test_no_rows_and_only_empty_rows_keep_their_dimension():
    none = Ragged.stack([], 5)
    assert (len(none), none.dim, none.values.shape, none.counts.tolist()) == (0, 5, (0, 5), [])
    empty = Ragged.stack([np.zeros((0, 5), np.float32)] * 2, 5)
    assert (len(empty), empty.dim, empty.counts.tolist(), empty[1].shape) == (2, 5, [0, 0], (0, 5))


def test_values_are_float32_and_offsets_int64_whatever_comes_in():
    block = Ragged.stack([np.ones((2, 3), np.float64)], 3)
    assert block.values.dtype == np.float32
    assert block.offsets.dtype == np.int64
    assert Ragged.stack([], 3).offsets.dtype == np.int64


def test_take_gives_the_rows_asked_for_in_that_order_also_twice():
    block = Ragged.stack(ROWS, 3).take(np.array([2, 0, 1, 2]))
    assert block.counts.tolist() == [1, 2, 0, 1]
    np.testing.assert_array_equal(block.values, np.concatenate([ROWS[2], ROWS[0], ROWS[2]]))
    assert len(Ragged.stack(ROWS, 3).take([])) == 0


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="dimension"):
        Ragged.stack([np.ones((1, 4), np.float32)], 3)


@pytest.mark.parametrize("index", [3, 10])
def test_a_row_that_is_not_there_is_an_error(index):
    with pytest.raises(IndexError):
        Ragged.stack(ROWS, 3)[index]


def test_rows_that_are_taken_lie_in_a_file_where_all_of_them_did(monkeypatch, tmp_path):
    monkeypatch.setattr(mapped, "HELD_BYTES", 0)
    opened, nameless = [], mapped._nameless
    monkeypatch.setattr(mapped, "_nameless", lambda folder: opened.append(folder) or nameless(folder))
    block = dataclasses.replace(Ragged.stack(ROWS, 3), folder=tmp_path)
    taken = block.take([2, 0, 2])
    assert (opened, taken.folder) == ([tmp_path], tmp_path)
    assert np.array_equal(taken.values, np.concatenate([ROWS[2], ROWS[0], ROWS[2]]))
