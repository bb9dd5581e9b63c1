import numpy as np
import pytest

from extractors.frames.median import median


@pytest.mark.parametrize("length", [*range(1, 20), 48, 64, 101])
def test_it_is_that_of_numpy_to_the_bit(length):
    values = np.random.default_rng(length).random((length, 6, 3), np.float32)
    before = values.copy()
    np.testing.assert_array_equal(median(values), np.median(values, axis=0))
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("length", [2, 5, 8])
def test_equal_values_are_no_matter(length):
    values = np.random.default_rng(0).integers(0, 3, (length, 40)).astype(np.float32)
    np.testing.assert_array_equal(median(values), np.median(values, axis=0))
