import numpy as np
import pytest

from models.zero_shot.settings import LabelWords
from models.zero_shot.stored import Classes, LabelSources, top_labels
from pipeline.datasets.annotations import Caption
from pipeline.errors import DamagedError, StoreError
from pipeline.stores import parts
from pipeline.stores.parts import Features, Reader
from pipeline.stores.store import Row


@pytest.fixture
def sources(tmp_path):
    given = {"zebra: striped": [[3.0, 4.0]], "rain": [[1.0, 0.0], [0.0, 1.0]]}
    tokens = [np.array(vectors, np.float32) for vectors in given.values()]
    rows = [Row(Caption(text).key, len(vectors)) for text, vectors in given.items()]
    parts.publish(tmp_path, rows, [Features(item, np.zeros((len(item), 2))) for item in tokens], 2)
    return LabelSources(LabelWords(), {"rgb": Classes(("rain, zebra: striped",), ("zebra: striped",), 1)}, tmp_path, 2)


def test_texts_are_read_in_their_order_at_length_1_and_may_be_repeated(sources):
    found = sources.vectors(["rain", "zebra: striped", "rain"])
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5], [0.6, 0.8], [0.5**0.5, 0.5**0.5]], rtol=1e-6)


def test_a_class_has_its_description_and_its_synonyms(sources):
    found = sources.labels("rgb")
    np.testing.assert_allclose(found.descriptions, [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(found.synonyms, [[0.5**0.5, 0.5**0.5], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_array_equal(found.offsets, [0, 2])


def test_a_text_that_was_not_encoded_is_told(sources):
    with pytest.raises(StoreError, match="1 rows are not there"):
        sources.vectors(["rain", "a gnu"])


def test_what_was_recognised_is_read_in_the_order_of_the_videos(tmp_path):
    extras = {"labels": np.array([[900, 3], [2, 1]], np.int16), "label_scores": np.array([[0.7, 0.2], [0.5, 0.1]])}
    features = [Features(np.zeros((2, 4)), np.zeros((2, 2)), extras), Features(np.zeros((0, 4)), np.zeros((0, 2)))]
    parts.publish(tmp_path, [Row("seen", 2), Row("empty", 0)], features, 4)
    found = top_labels(Reader(tmp_path), ["empty", "seen"], 2)
    np.testing.assert_array_equal(found.classes, extras["labels"])
    np.testing.assert_allclose(found.probabilities, extras["label_scores"], rtol=1e-6)
    assert (found.classes.dtype, found.probabilities.dtype) == (np.int16, np.float32)
    np.testing.assert_array_equal(found.offsets, [0, 0, 2])
    assert top_labels(Reader(tmp_path), ["empty"], 2).classes.shape == (0, 2)


def test_rows_that_were_stored_without_labels_are_told(tmp_path):
    parts.publish(tmp_path, [Row("plain", 1)], [Features(np.zeros((1, 4)), np.zeros((1, 2)))], 4)
    with pytest.raises(DamagedError, match="'labels' is not there"):
        top_labels(Reader(tmp_path), ["plain"], 2)
