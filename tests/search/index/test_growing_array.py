import numpy as np
import pytest

from search.index.growing_array import GrowingArray


@pytest.mark.parametrize("lengths", [[3, 0, 4], [0], [], [200_000, 1]])
@pytest.mark.parametrize(("row", "dtype"), [((), np.float64), ((5,), np.float32), ((2,), np.bool_)])
def test_blocks_are_read_as_one_array(tmp_path, lengths, row, dtype):
    blocks = [np.random.default_rng(at).normal(size=(length, *row)).astype(dtype) for at, length in enumerate(lengths)]
    with GrowingArray(tmp_path / "made.npy", row, dtype) as column:
        for block in blocks:
            column.append(block)
    whole = np.concatenate([np.zeros((0, *row), dtype), *blocks])
    for mode in ("r", None):
        read = np.load(tmp_path / "made.npy", mmap_mode=mode)
        assert read.dtype == dtype
        assert np.array_equal(read, whole)


def test_rows_of_another_shape_are_our_own_mistake(tmp_path):
    with GrowingArray(tmp_path / "made.npy", (3,)) as column, pytest.raises(AssertionError, match="rows of"):
        column.append(np.zeros((2, 4), np.float32))
