import shutil

import numpy as np
import pytest

from pipeline.errors import DamagedError
from pipeline.stores import parts, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from search.building.expert_labels import read_labels
from tests.search import small_collection
from tests.search.small_collection import BEAR, CLASSES, LABELLED

CLIPS = [
    small_collection.Clip("a.mp4", seen={"zebra": (0.9, 2), BEAR: (0.3, 0), "grasshopper": (0.015, 1)}),
    small_collection.Clip("b.mp4"),
    small_collection.Clip("c.mp4", seen={"zebra": (0.5, 5)}),
]


@pytest.fixture
def sources(tmp_path):
    return small_collection.trained(tmp_path, CLIPS)[0]


def found(sources, videos=None, names=LABELLED) -> list[tuple]:
    read = read_labels(sources.stores, names, sources.key, videos or sources.manifest.videos)
    return [(one.video, one.expert, list(one.labels)) for one in read]


def test_each_class_of_a_video_has_its_highest_probability_and_when_it_was_reached(sources):
    (first, *_) = found(sources)
    zebra, bear = CLASSES.index("zebra"), CLASSES.index(BEAR)
    video, expert, labels = first
    assert (video, expert) == (0, "rgb_light")
    assert [(label, pytest.approx(score), start_s) for label, score, start_s in labels] == [
        (zebra, 0.9, 2.0), (bear, 0.3, 0.0)
    ]  # fmt: skip


def test_of_equal_probabilities_the_first_time_is_told(sources):
    scores = np.full((3, 1), 0.5, np.float32)
    extras = {"labels": np.ones((3, 1), np.int16), "label_scores": scores}
    times_s = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]])
    parts.publish(
        sources.stores["rgb_light"], [Row("new", 3)], [Features(np.ones((3, 3), np.float32), times_s, extras)], 3
    )
    read = read_labels(sources.stores, LABELLED, lambda expert, video: "new", sources.manifest.videos[:1])
    assert [list(one.labels) for one in read] == [[(1, 0.5, 1.0)]]


def test_a_video_twice_has_its_labels_twice_and_a_row_in_two_parts_is_read_once(sources):
    a, _, c = sources.manifest.videos
    (part,) = store.parts(sources.stores["rgb_light"])
    shutil.copytree(part, part.with_name("part-zz.zarr"))
    assert [video for video, *_ in found(sources, [a, c, a])] == [0, 2, 1]


def test_parts_without_vectors_need_no_labels(sources):
    nothing = Features(np.zeros((0, 3), np.float32), np.zeros((0, 2)))
    parts.publish(sources.stores["rgb_light"], [Row("empty", 0)], [nothing], 3)
    assert len(found(sources)) == 3


def test_a_part_whose_labels_are_gone_or_of_other_classes_is_damaged(sources):
    with pytest.raises(DamagedError, match="its labels are not of 1 classes"):
        found(sources, names={"rgb_light": CLASSES[:1]})
    (part,) = store.parts(sources.stores["rgb_light"])
    shutil.rmtree(part / "label_scores")
    parts._open.cache_clear()
    with pytest.raises(DamagedError, match="its labels are not there"):
        found(sources)


def test_a_part_that_never_had_labels_is_told_as_such(sources):
    plain = Features(np.ones((2, 3), np.float32), np.array([[0.0, 1.0], [1.0, 2.0]]))
    (written,) = parts.publish(sources.stores["rgb_light"], [Row("old", 2)], [plain], 3)
    with pytest.raises(DamagedError, match=f"{written.name}.*its labels are not there"):
        list(read_labels(sources.stores, LABELLED, lambda expert, video: "old", sources.manifest.videos[:1]))
