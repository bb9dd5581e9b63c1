import numpy as np
import pytest

from extractors import easyocr_words
from extractors.easyocr_words import Expert, Params
from pipeline.weights.files import WeightOptions, WeightSource
from tests.extractors.reference import seeded


def test_both_networks_are_easyocrs_own(tmp_path):
    expert = Expert(Params(), WeightSource(WeightOptions(tmp_path)))
    files = expert.weight_files()
    assert files["detector"].cached_as == "easyocr/craft_mlt_25k.pth"
    assert files["recogniser"].cached_as == "easyocr/english_g2.pth"
    assert expert.weights == {"detector": "easyocr craft", "recogniser": "easyocr en"}


@pytest.mark.slow
def test_frames_have_the_same_words_in_any_batch():
    expert = seeded(easyocr_words, short_px=120, detector_px=160)
    frames = np.random.default_rng(0).integers(0, 256, (2, 96, 160, 3)).astype(np.uint8)
    together, alone = expert.embed(frames), [expert.embed(frame[None]) for frame in frames]
    assert together.values.shape == (len(together.item_index), 300)
    assert together.extras["box_px"].shape == (len(together.item_index), 4)
    assert together.extras["text"].tolist() == [word for one in alone for word in one.extras["text"].tolist()]


@pytest.mark.parametrize("wrong", [{"languages": ()}, {"fps": 0.0}, {"detector_px": 8}, {"min_confidence": 2.0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Params(**wrong)
