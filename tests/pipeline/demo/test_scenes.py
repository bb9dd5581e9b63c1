import numpy as np
import pytest

from pipeline.demo.ground_truth import SCENES as NAMES
from pipeline.demo.scenes import SCENES, scene


def test_there_is_a_texture_for_every_scene():
    assert set(SCENES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_background_has_the_size_asked_for_and_colours_near_its_two(name):
    pixels = scene(name, 240, 320, np.random.default_rng(0))
    assert (pixels.shape, pixels.dtype) == ((240, 320, 3), np.uint8)
    _, dark, light = SCENES[name]
    # Between the two colours, but for a shift of up to 8 and noise of standard deviation 2.
    margin = 8 + 2 * 5
    low, high = np.minimum(dark, light) - margin, np.maximum(dark, light) + margin
    outside = ((pixels < low) | (pixels > high)).any(axis=2).mean()
    assert outside < 0.001


def test_equal_seeds_draw_equal_backgrounds_and_others_do_not():
    first, again, other = (scene("brick wall", 240, 320, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_stripes_of_a_curtain_are_20_to_28_pixels_apart():
    grey = scene("striped curtain", 240, 320, np.random.default_rng(3)).mean(axis=2)
    spectrum = np.abs(np.fft.rfft(grey[0] - grey[0].mean(), n=3200))
    assert 20 <= 3200 / spectrum.argmax() <= 28
