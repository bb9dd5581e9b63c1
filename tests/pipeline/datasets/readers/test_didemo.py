"""What is expected was counted by hand in small files of the owners' format."""

import json

from pipeline.datasets.readers import didemo
from tests.pipeline.datasets.readers import sample_files
from tests.pipeline.datasets.readers.sample_files import by_split, texts


def test_didemo_gathers_moments_by_the_name_before_the_first_dot(tmp_path):
    moments = [("12@N00_34_5f.avi", "a dog"), ("12@N00_34_5f.avi", "it runs"), ("98@N02_1_aa.mov.mp4", "x")]
    for name, part in (("train", moments[:2]), ("val", []), ("test", moments[2:])):
        body = [{"video": video, "description": text, "times": [[0, 0]], "num_segments": 6} for video, text in part]
        sample_files.write(tmp_path, f"{name}_data.json", json.dumps(body))
    annotations = didemo.read(tmp_path, "paragraph")
    assert by_split(annotations) == {"train": ["12@N00_34_5f"], "val": [], "test": ["98@N02_1_aa"]}
    assert texts(annotations, "12@N00_34_5f") == ["a dog", "it runs"]
