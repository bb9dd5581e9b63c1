"""What is expected was counted by hand in small files of the owners' format."""

import json

from pipeline.datasets.readers import youcook2
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts


def test_youcook2_tests_on_its_validation_subset(tmp_path):
    steps = [{"segment": [90, 102], "id": 0, "sentence": "spread margarine"}, {"segment": [1, 2], "sentence": "eat"}]
    body = {name: {"subset": subset, "annotations": steps} for name, subset in (("a", "training"), ("b", "validation"))}
    sample_files.write(tmp_path, "youcookii_annotations_trainval.json", json.dumps({"database": body}))
    annotations = youcook2.read(tmp_path, "paragraph")
    assert by_split(annotations) == {"train": ["a"], "val": [], "test": ["b"]}
    assert texts(annotations, "b") == ["spread margarine", "eat"]
