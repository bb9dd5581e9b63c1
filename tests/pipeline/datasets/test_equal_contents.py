import dataclasses

import pytest

from pipeline.datasets.equal_contents import equal_contents
from pipeline.datasets.video_columns import pack
from pipeline.datasets.videos import Listed
from tests.pipeline.datasets.some_videos import some

PLANTED = [
    ("x", "train"), ("x", "train"), ("x", "train"), ("y", "train"), ("y", "test"), ("x", "test"), ("z", "val"),
    ("z", "test"), ("w", ""), ("w", "train"), ("q", "val"),
]  # fmt: skip
"""Content and split of each video: three copies within train, two contents in train and test, one in val and test."""


@pytest.mark.parametrize("kind", [Listed, pack])
def test_planted_copies_are_counted_within_and_across_splits(kind):
    videos = [
        dataclasses.replace(video, content=content, split=split, problem="")
        for video, (content, split) in zip(some(len(PLANTED)), PLANTED, strict=True)
    ]
    assert equal_contents(kind(videos)) == {"within": {"train": 3}, "across": {"train, test": 2, "val, test": 1}}
    broken = [dataclasses.replace(video, problem="damaged") for video in videos]
    assert equal_contents(kind(broken)) == {"within": {}, "across": {}}
