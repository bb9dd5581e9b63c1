import numpy as np
import pytest

from extractors.networks.minimal_filtering import matrices

SIZES = [(2, 3), (4, 3), (4, 4), (3, 4), (1, 3)]


@pytest.mark.parametrize(("tile", "taps"), SIZES)
def test_shared_products_give_the_sums_of_the_filter(tile, taps):
    generator = np.random.default_rng(0)
    numbers, filtering = generator.normal(size=tile + taps - 1), generator.normal(size=taps)
    found = matrices(tile, taps)
    results = found.outputs @ ((found.weights @ filtering) * (found.inputs @ numbers))
    np.testing.assert_allclose(results, np.correlate(numbers, filtering, mode="valid"), atol=1e-12)


@pytest.mark.parametrize(("tile", "taps"), SIZES)
def test_there_are_as_many_products_as_inputs_and_one_is_in_each_result_as_it_is(tile, taps):
    found = matrices(tile, taps)
    number = tile + taps - 1
    assert (found.outputs.shape, found.weights.shape) == ((tile, number), (number, taps))
    assert found.inputs.shape == (number, number)
    np.testing.assert_array_equal(found.outputs[:, found.one], 1)


def test_two_results_of_three_weights_are_those_of_lavin_and_gray_but_for_signs():
    """Equation 5 of https://arxiv.org/abs/1509.09308."""
    found = matrices(2, 3)
    published = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]
    np.testing.assert_array_equal(abs(found.weights), abs(np.array(published)))
    published = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]
    np.testing.assert_array_equal(abs(found.inputs), abs(np.array(published)))


def test_more_results_than_there_are_points_for_are_refused():
    with pytest.raises(ValueError, match="6 results of 4 weights"):
        matrices(6, 4)
