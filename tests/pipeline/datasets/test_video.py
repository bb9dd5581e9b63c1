import pickle

import pytest

from pipeline.datasets.video import MISSING, Video, missing_content
from tests.pipeline.datasets.some_videos import some


def test_a_video_goes_to_another_process_as_it_is():
    (video,) = some(1)
    assert pickle.loads(pickle.dumps(video)) == video


@pytest.mark.parametrize(
    ("content", "problem", "expected"),
    [
        ("c" * 32, "", (False, True)),
        ("c" * 32, MISSING, (True, True)),
        (missing_content("a.mp4", MISSING), MISSING, (True, True)),
        (missing_content("a.mp4", "a named pipe"), "a named pipe", (True, True)),
        (missing_content("b.mp4", "a named pipe"), "a named pipe", (False, False)),
        ("c" * 32, "the file is empty", (False, False)),
    ],
)
def test_a_file_that_is_missing_and_one_that_cannot_be_used_are_told_apart(content, problem, expected):
    video = Video("a.mp4", content, "train", (), 0.0, False, False, False, problem=problem)
    assert (video.is_missing, video.is_usable) == expected
