import numpy as np
import pytest

from extractors.imported import Encoder, EncoderParams, Expert, Params
from pipeline.errors import ExtractionError

PARAMS = Params(2048, (("features/resnet.pickle",), ("features/a-*.npy", "features/b-*.npy")))


def test_features_that_were_imported_have_a_length_and_no_weights():
    assert Expert(PARAMS).dim == Encoder(PARAMS).dim == 2048
    assert Expert(PARAMS).weights == Encoder(PARAMS).weights == {}
    assert EncoderParams is Params


@pytest.mark.parametrize("ask", [lambda e: e.need, lambda e: e.prepare(None), lambda e: e.embed(np.zeros((1, 2048)))])
def test_nothing_can_be_extracted_and_the_error_says_what_to_do(ask):
    with pytest.raises(ExtractionError, match="imported, not extracted: luigi --module tasks ImportExperts"):
        ask(Expert(PARAMS))


def test_a_caption_that_was_not_imported_is_named():
    with pytest.raises(ExtractionError, match=r"2 captions are not in the imported text features, e\.g\. 'a cat'"):
        Encoder(PARAMS).encode(["a cat", "a dog"])


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"files": ()}, {"files": (("a",), ())}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="dim must be at least 1 and files must name"):
        Params(**({"dim": 1, "files": (("a",),)} | wrong))
