import numpy as np
import pytest

from extractors import word_vectors
from extractors.word_vectors import Encoder, EncoderParams
from extractors.words import Encoder as Hashed
from extractors.words import EncoderParams as HashedParams
from pipeline.errors import WeightsError
from pipeline.weights import WeightFile, WeightOptions, WeightSource

VECTORS = {"the": [1.0, 0.0, 0.5], "harbor": [0.0, 2.0, -1.0], "Paris": [3.0, 3.0, 3.0]}


def text_file(path, total=3):
    lines = [f"{word} {' '.join(map(str, vector))} " for word, vector in VECTORS.items()]
    path.write_text("\n".join([f"{total} 3", *lines]) + "\n", encoding="utf-8")


def binary_file(path):
    rows = [word.encode() + b" " + np.array(vector, "<f4").tobytes() + b"\n" for word, vector in VECTORS.items()]
    path.write_bytes(b"3 3\n" + b"".join(rows))


def encoder(folder, name, **params):
    source = WeightSource(WeightOptions(folder), {"words": WeightFile("http://a/b", "12345678", place=name)})
    made = Encoder(EncoderParams(**({"source": "file", "dim": 3} | params)), source)
    made.load("cpu")
    return made


@pytest.mark.parametrize(("name", "write"), [("v.vec", text_file), ("v.bin", binary_file)])
def test_words_of_a_file_have_its_vectors(tmp_path, name, write):
    write(tmp_path / name)
    made = encoder(tmp_path, name)
    (found,) = made.encode(["The HARBOR, of Paris"])
    np.testing.assert_allclose(found, [VECTORS["the"], VECTORS["harbor"], VECTORS["Paris"]])
    values, known = made.known_vectors(["paris", "Paris", "xyz", "the"])
    assert known.tolist() == [1, 3]
    np.testing.assert_allclose(values, [VECTORS["Paris"], VECTORS["the"]])
    np.testing.assert_array_equal(made.encode(["xyz", ""])[0], np.zeros((1, 3)))
    assert made.weights == {"words": "12345678"}


def test_only_the_first_words_are_read(tmp_path):
    text_file(tmp_path / "v.vec")
    assert encoder(tmp_path, "v.vec", max_words=1).known_vectors(["the", "harbor"])[1].tolist() == [0]


def test_hashed_vectors_are_those_of_the_words_encoder():
    made, hashed = Encoder(EncoderParams()), Hashed(HashedParams())
    made.load("cpu")
    np.testing.assert_array_equal(made.encode(["Two words"])[0], hashed.encode(["Two words"])[0])
    assert made.weights == {}
    assert made.weight_files() == {}


def test_the_stand_ins_of_a_file_are_hashed():
    made = Encoder(EncoderParams(source="file"), WeightSource(always_seeded=True))
    made.load("cpu")
    assert made.encode(["harbor"])[0].shape == (1, 300)
    assert made.weights == {"words": "seeded"}


@pytest.mark.parametrize(
    ("text", "told"),
    [("3 4\n", "vectors of length 4"), ("the 1 2 3\n", "no word2vec file"), ("9 3\nthe 1 2 3\n", "1 words, where")],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path, text, told):
    (tmp_path / "v.vec").write_text(text)
    with pytest.raises(WeightsError, match=told):
        encoder(tmp_path, "v.vec")


def test_a_file_must_be_named():
    with pytest.raises(WeightsError, match="under weights"):
        Encoder(EncoderParams(source="file")).weight_files()


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"shortest": 6}, {"max_words": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|need"):
        word_vectors.EncoderParams(**wrong)
