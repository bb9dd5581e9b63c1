"""What is expected was counted by hand in small files of the owners' format."""

import json

import pytest

from pipeline.datasets.clips import Clip
from pipeline.datasets.readers import youcook2
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts


def test_youcook2_tests_on_its_validation_subset(tmp_path):
    steps = [{"segment": [90, 102], "id": 0, "sentence": "spread margarine"}, {"segment": [1, 2], "sentence": "eat"}]
    body = {name: {"subset": subset, "annotations": steps} for name, subset in (("a", "training"), ("b", "validation"))}
    sample_files.write(tmp_path, "youcookii_annotations_trainval.json", json.dumps({"database": body}))
    annotations = youcook2.read(tmp_path, "paragraph")
    assert by_split(annotations) == {"train": ["a"], "val": [], "test": ["b"]}
    assert texts(annotations, "b") == ["spread margarine", "eat"]


def test_each_step_is_a_clip_with_its_sentence_in_the_protocol_of_clips(tmp_path):
    steps = [{"segment": [90, 102], "id": 0, "sentence": "spread  margarine"}]
    steps.append({"segment": [114, 127], "id": 1, "sentence": "eat"})
    body = {"-x": {"duration": 311.8, "subset": "validation", "recipe_type": "113", "annotations": steps}}
    sample_files.write(tmp_path, "youcookii_annotations_trainval.json", json.dumps({"database": body}))
    found = youcook2.read(tmp_path, "clips")
    assert {name: (one.clip, texts(found, name)) for name, one in found.items()} == {
        "-x_0": (Clip("-x", 90.0, 102.0, "-x_0"), ["spread margarine"]),
        "-x_1": (Clip("-x", 114.0, 127.0, "-x_1"), ["eat"]),
    }  # fmt: skip
    assert by_split(found) == {"train": [], "val": [], "test": ["-x_0", "-x_1"]}


@pytest.mark.parametrize("segment", [[5, 5], [9, 2], [1], "ab", None])
def test_a_step_without_seconds_is_told(segment, tmp_path):
    body = {"a": {"subset": "training", "annotations": [{"segment": segment, "id": 0, "sentence": "x"}]}}
    sample_files.write(tmp_path, "youcookii_annotations_trainval.json", json.dumps({"database": body}))
    with pytest.raises(AnnotationError, match="not built as its owner's file is"):
        youcook2.read(tmp_path, "clips")
