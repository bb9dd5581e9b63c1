import json

import numpy as np

from pipeline.export.source import with_label_names
from pipeline.stores.parts import Features
from tests.pipeline.export import samples

CLASSES = ("bread", "water", "brown bear, bruin")


def test_labels_have_their_names():
    labels = Features(np.zeros((1, 2), np.float32), np.zeros((1, 2)), {"labels": np.array([[2, 0]], np.int16)})
    assert with_label_names(labels, CLASSES).extras["labels"].tolist() == [["brown bear, bruin", "bread"]]


def test_without_labels_nothing_is_named():
    words = Features(np.zeros((1, 2), np.float32), np.zeros((1, 2)), {"text": np.array(["a"])})
    assert with_label_names(words, CLASSES) is words


def test_all_that_is_known_is_text_from_which_it_is_read_again():
    facts = samples.source().facts
    assert all(isinstance(value, str) for value in facts.values())
    assert json.loads(facts["recipe"]) == samples.RECIPE
    assert int(facts["dim"]) == 3
