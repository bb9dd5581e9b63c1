import dataclasses

import numpy as np
import pytest

from extractors import easyocr_words, spoken_words, whisper_speech, written_words
from extractors.base import WordView
from extractors.text.hashed_words import EncoderParams as Hashed
from extractors.word_vectors import EncoderParams
from pipeline import config
from pipeline.errors import ConfigError
from pipeline.weights.files import WeightFile, WeightOptions, WeightSource

READERS = [spoken_words, written_words]
LEARNERS = [easyocr_words, whisper_speech]


def parsed(module, **words):
    return config.parse(module.Params, {"words": words}, "x.yaml: params").words


@pytest.mark.parametrize("module", READERS)
def test_words_are_hashed_unless_a_source_is_named(module):
    assert parsed(module, dim=300) == Hashed(300)
    assert dataclasses.asdict(module.Params())["words"] == {"dim": 300, "shortest": 3, "longest": 5}
    assert parsed(module, source="file", dim=8) == EncoderParams("file", 8)
    hub = parsed(module, source="transformers/me/tiny", dim=8)
    assert hub == EncoderParams("transformers/me/tiny", 8)


@pytest.mark.parametrize("module", READERS)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"dimm": 300}, "unknown key 'dimm' (did you mean 'dim'?)"),
        ({"source": "file", "max_word": 3}, "unknown key 'max_word' (did you mean 'max_words'?)"),
        ({"source": "fasttext"}, "must be hashed, file, or transformers/<owner>/<name>"),
        ({"dim": 0}, "dim must be at least 1"),
    ],
)
def test_a_setting_of_words_that_makes_no_sense_is_one_clear_line(module, words, told):
    with pytest.raises(ConfigError) as caught:
        parsed(module, **words)
    assert str(caught.value).startswith("x.yaml: params: key 'words': ")
    assert told in str(caught.value)


def test_words_must_be_a_mapping():
    with pytest.raises(ConfigError, match="key 'words': must be a mapping"):
        config.parse(spoken_words.Params, {"words": 300}, "x.yaml: params")


@pytest.mark.parametrize("module", READERS + LEARNERS)
def test_the_weights_of_the_vectors_are_those_of_the_expert(module, tmp_path):
    source = WeightSource(WeightOptions(tmp_path))
    plain = module.Expert(module.Params(words=EncoderParams()), source)
    hub = module.Expert(module.Params(words=EncoderParams("transformers/me/tiny", 8)), source)
    assert hub.dim == 8
    parts = {"words", "words_config", "words_tokenizer"}
    assert hub.weights.keys() - plain.weights.keys() == parts
    assert hub.weight_files().keys() - plain.weight_files().keys() == parts


def test_words_that_have_no_vector_have_no_row(tmp_path):
    (tmp_path / "v.vec").write_text("2 3\nsoup 1 0 0\ngood 0 1 0\n")
    source = WeightSource(WeightOptions(tmp_path), {"words": WeightFile("http://a/b", place="v.vec")})
    expert = spoken_words.Expert(spoken_words.Params(words=EncoderParams("file", 3)), source)
    expert.load("cpu")
    said = np.array(["Soup", "xyz", "is", "good-soup"])
    embedded = expert.embed(expert.prepare(WordView(said, np.zeros((4, 2)))))
    assert embedded.extras["text"].tolist() == ["Soup", "good", "soup"]
    assert embedded.item_index.tolist() == [0, 3, 3]
    np.testing.assert_array_equal(embedded.values, [[1, 0, 0], [0, 1, 0], [1, 0, 0]])
