import numpy as np
import pytest

from extractors.base import SubtitleNeed, WordView
from extractors.spoken_words import Expert, Params
from extractors.text.hashed_words import EncoderParams, vectors

EXPERT = Expert(Params())
EXPERT.load("cpu")


def embed(*words):
    view = WordView(np.array(words, np.str_), np.zeros((len(words), 2)))
    return EXPERT.embed(EXPERT.prepare(view))


def test_a_word_said_is_the_word_searched():
    np.testing.assert_array_equal(embed("Soup,").values, vectors(["soup"], EncoderParams()))


def test_a_hyphenated_word_gives_two_rows_and_a_dash_none():
    embedded = embed("a", "well-known", "--", "soup.")
    assert embedded.extras["text"].tolist() == ["a", "well", "known", "soup"]
    assert embedded.item_index.tolist() == [0, 1, 1, 3]
    assert embedded.values.shape == (4, 300)


def test_words_without_a_letter_give_no_rows():
    embedded = embed("--", "...")
    assert embedded.values.shape == (0, 300)
    assert embedded.item_index.dtype == np.int64
    assert embedded.extras["text"].shape == (0,)


def test_a_video_in_which_nobody_speaks_has_no_items():
    assert EXPERT.prepare(WordView(np.array([], np.str_), np.zeros((0, 2)))).shape == (0,)


def test_a_sentence_without_blanks_gives_a_row_for_each_word_with_its_share_of_the_time():
    view = WordView(np.array(["去港口看船", "ok,", "दिन"]), np.array([[1.0, 6.0], [6.0, 6.5], [7.0, 9.0]]))
    embedded = EXPERT.embed(EXPERT.prepare(view))
    assert embedded.extras["text"].tolist() == ["去", "港", "口", "看", "船", "ok", "दिन"]
    assert embedded.item_index.tolist() == [0] * 5 + [1, 2]
    expected = [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [0, 0.5], [0, 2]]
    np.testing.assert_allclose(embedded.times_s, expected)


def test_words_of_any_length_share_a_batch():
    items = [EXPERT.prepare(WordView(np.array([word]), np.array([[0.0, 1.0]])))[0] for word in ("a", "harbour")]
    assert EXPERT.embed(np.stack([np.asarray(item) for item in items])).extras["text"].tolist() == ["a", "harbour"]


def test_the_language_is_shown_to_the_pass_and_checked():
    assert Expert(Params(language="de")).need == SubtitleNeed("de")
    with pytest.raises(ValueError, match="'klingon' is no language code"):
        Params(language="klingon")
