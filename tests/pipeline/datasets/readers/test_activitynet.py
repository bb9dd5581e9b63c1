"""What is expected was counted by hand in small files of the owners' format."""

import json

from pipeline.datasets.readers import activitynet
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts


def test_activitynet_trains_on_train_and_tests_on_val1(tmp_path):
    one = {"duration": 82.73, "timestamps": [[0.8, 19.8], [17.3, 60.8]], "sentences": [" A boy. ", "He rows."]}
    sample_files.write(tmp_path, "train.json", json.dumps({"v_QOlSCBRmfWY": one}))
    sample_files.write(tmp_path, "val_1.json", json.dumps({"v_uqiMw7tQ1Cc": one, "v_bXdq2zI1Ms0": one}))
    annotations = activitynet.read(tmp_path, "val1")
    assert by_split(annotations) == {"train": ["v_QOlSCBRmfWY"], "val": [], "test": ["v_uqiMw7tQ1Cc", "v_bXdq2zI1Ms0"]}
    assert texts(annotations, "v_QOlSCBRmfWY") == ["A boy.", "He rows."]
