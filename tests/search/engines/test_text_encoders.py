import shutil

import numpy as np
import pytest

from extractors import registry
from extractors.text.hashed_words import EncoderParams, vectors
from pipeline.errors import ConfigError, ExtractionError
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightOptions
from search.engines import text_encoders
from search.index.folder import Facts
from tests.search.small_collection import CONFIGS


@pytest.fixture
def folder(tmp_path):
    """An index with the YAML of one text encoder."""
    (tmp_path / "text").mkdir()
    shutil.copy(CONFIGS / "text" / "words_hashed.yaml", tmp_path / "text")
    return tmp_path


def test_the_encoder_is_that_of_the_yaml_in_the_index(folder):
    encoder = text_encoders.load(folder, "words_hashed", WeightOptions(folder))
    np.testing.assert_array_equal(encoder.encode(["a boat"])[0], vectors(["a", "boat"], EncoderParams()))


def test_an_encoder_is_loaded_once(folder):
    first = text_encoders.load(folder, "words_hashed", WeightOptions(folder))
    assert text_encoders.load(folder, "words_hashed", WeightOptions(folder)) is first
    assert text_encoders.load(folder, "words_hashed", WeightOptions(folder, offline=True)) is not first


def test_an_encoder_that_the_index_does_not_have_is_an_error(folder):
    with pytest.raises(ConfigError, match="words_hashed"):
        text_encoders.load(folder, "words_hasched", WeightOptions(folder))


def test_an_encoder_that_has_changed_since_the_index_was_built_is_refused(folder):
    with pytest.raises(ExtractionError, match="not as the index was built with; run BuildIndex again"):
        text_encoders.load(folder, "words_hashed", WeightOptions(folder), "0" * 12)
    recipe = registry.text("words_hashed", folder / "text").recipe
    text_encoders.load(folder, "words_hashed", WeightOptions(folder), fingerprint(recipe))


def test_a_text_is_encoded_once_and_who_changes_its_vectors_changes_only_his_own(folder, monkeypatch):
    recipe = registry.text("words_hashed", folder / "text").recipe
    facts = Facts("x", {}, 0, 0.0, {}, (), encoders={"words_hashed": fingerprint(recipe)})
    encoders = text_encoders.TextEncoders(folder, facts, WeightOptions(folder))
    encoders.encode("words_hashed", "a boat")[:] = 0
    monkeypatch.setattr(text_encoders, "load", None)  # nothing is loaded, nor encoded, a second time
    np.testing.assert_array_equal(encoders.encode("words_hashed", "a boat"), vectors(["a", "boat"], EncoderParams()))
