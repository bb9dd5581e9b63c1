"""What is expected was counted by hand in small files of the owners' format."""

import json

import pytest

from pipeline.datasets.clips import Clip
from pipeline.datasets.readers import activitynet
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts


def test_activitynet_trains_on_train_and_tests_on_val1(tmp_path):
    one = {"duration": 82.73, "timestamps": [[0.8, 19.8], [17.3, 60.8]], "sentences": [" A boy. ", "He rows."]}
    sample_files.write(tmp_path, "train.json", json.dumps({"v_QOlSCBRmfWY": one}))
    sample_files.write(tmp_path, "val_1.json", json.dumps({"v_uqiMw7tQ1Cc": one, "v_bXdq2zI1Ms0": one}))
    annotations = activitynet.read(tmp_path, "val1")
    assert by_split(annotations) == {"train": ["v_QOlSCBRmfWY"], "val": [], "test": ["v_uqiMw7tQ1Cc", "v_bXdq2zI1Ms0"]}
    assert texts(annotations, "v_QOlSCBRmfWY") == ["A boy.", "He rows."]


def test_as_clips_each_sentence_is_of_its_own_seconds_in_any_order(tmp_path):
    one = {
        "duration": 82.73,
        "timestamps": [[0.8, 19.8], [60.8, 17.3], [0.8, 19.8]],
        "sentences": [" A boy. ", "He rows.", "A lake."],
    }
    sample_files.write(tmp_path, "train.json", json.dumps({"v_QOlSCBRmfWY": one}))
    sample_files.write(tmp_path, "val_1.json", json.dumps({"v_uqiMw7tQ1Cc": one | {"sentences": ["a", "b", "c"]}}))
    annotations = activitynet.read_clips(tmp_path, "val1")
    assert by_split(annotations) == {
        "train": ["v_QOlSCBRmfWY#t=0.8,19.8", "v_QOlSCBRmfWY#t=17.3,60.8"],
        "val": [],
        "test": ["v_uqiMw7tQ1Cc#t=0.8,19.8", "v_uqiMw7tQ1Cc#t=17.3,60.8"],
    }
    assert texts(annotations, "v_QOlSCBRmfWY#t=0.8,19.8") == ["A boy.", "A lake."]
    assert annotations["v_QOlSCBRmfWY#t=17.3,60.8"].clip == Clip("v_QOlSCBRmfWY", 17.3, 60.8)
    assert activitynet.read_clips(tmp_path / "nowhere", "val1") is None


@pytest.mark.parametrize(
    ("timestamps", "told"),
    [
        ([[3, 3]], r"train\.json: 'v_x': the clip ends at 3 s, and begins at 3 s"),
        ([["a", "b"]], r"train\.json: 'v_x': 'start_s' must be seconds"),
        ([[-1, 2]], r"train\.json: 'v_x': 'start_s' must be seconds"),
        ([], r"train\.json: not built as its owner's file is"),
        ([[1, 2, 3]], r"train\.json: not built as its owner's file is"),
        ([[1, None]], r"train\.json: not built as its owner's file is"),
    ],
)
def test_seconds_that_are_none_are_told_in_one_line(tmp_path, timestamps, told):
    for name in ("train", "val_1"):
        entry = {"timestamps": timestamps, "sentences": ["A boy."]}
        sample_files.write(tmp_path, f"{name}.json", json.dumps({"v_x": entry}))
    with pytest.raises(AnnotationError, match=told) as caught:
        activitynet.read_clips(tmp_path, "val1")
    assert "\n" not in str(caught.value)
