import numpy as np
import pytest

from extractors.text.hashed_words import EncoderParams, vectors
from extractors.words import Encoder

PARAMS = EncoderParams()


def test_a_word_alone_is_the_word_in_a_sentence():
    sentence, word = Encoder(PARAMS).encode(["A sign says HARBOR.", "harbor"])
    np.testing.assert_array_equal(sentence[3], word[0])


@pytest.mark.parametrize("text", ["", "  ", "?!"])
def test_a_text_without_words_has_one_finite_vector(text):
    (encoded,) = Encoder(PARAMS).encode([text])
    assert encoded.shape == (1, 300)
    assert np.isfinite(encoded).all()


def test_the_vectors_of_a_text_are_those_of_its_words_in_their_order():
    (encoded,) = Encoder(PARAMS).encode(["Two red stars, two"])
    np.testing.assert_array_equal(encoded, vectors(["two", "red", "stars", "two"], PARAMS))
