import sys
from importlib.machinery import ModuleSpec

import cv2
import numpy as np
import pytest

from pipeline.demo import photographs
from pipeline.demo.ground_truth import THINGS
from pipeline.demo.photographs import PHOTOGRAPHS, photograph
from pipeline.errors import PipelineError


def match(pixels, whole, scale):
    """How well the part is found again in the photograph, 0 to 1, unmirrored or mirrored."""
    small = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    # Cut by a fifth, since the part may reach the edge.
    inner = pixels[24:-24, 32:-32]
    return max(cv2.matchTemplate(small, part, cv2.TM_CCOEFF_NORMED).max() for part in (inner, inner[:, ::-1].copy()))


def test_there_is_a_photograph_of_every_thing():
    assert set(PHOTOGRAPHS) == set(THINGS)


@pytest.mark.parametrize("thing", THINGS)
def test_a_photograph_is_read_from_its_package_and_fills_the_frame(thing):
    pixels = photograph(thing, 240, 320, np.random.default_rng(0))
    assert (pixels.shape, pixels.dtype) == ((240, 320, 3), np.uint8)
    assert pixels.std() > 10


def test_the_cat_is_part_of_the_photograph_that_scikit_image_names_cat():
    from skimage import data

    whole = data.cat()
    pixels = photograph("cat", 240, 320, np.random.default_rng(1))
    # The part's height is 0.8 to 1 of the photograph's 300 pixels, and becomes 240.
    assert max(match(pixels, whole, 240 / (300 * size)) for size in np.linspace(0.8, 1, 21)) > 0.95


def test_equal_seeds_show_equal_parts_and_others_do_not():
    first, again, other = (photograph("cat", 240, 320, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_reading_imports_none_of_the_packages(monkeypatch):
    photographs._read.cache_clear()
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    photograph("temple", 240, 320, np.random.default_rng(0))
    assert "sklearn" not in sys.modules


def test_a_package_that_is_not_installed_or_lacks_the_file_is_named(monkeypatch, tmp_path):
    photographs._read.cache_clear()
    monkeypatch.setattr(photographs, "find_spec", lambda name: None)
    with pytest.raises(PipelineError, match="skimage: not installed"):
        photograph("cat", 240, 320, np.random.default_rng(0))
    monkeypatch.setattr(photographs, "find_spec", lambda name: ModuleSpec(name, None, origin=str(tmp_path / "x.py")))
    with pytest.raises(PipelineError, match=r"chelsea\.png: no photograph there"):
        photograph("cat", 240, 320, np.random.default_rng(0))
