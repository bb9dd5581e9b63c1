import pytest

from pipeline.datasets.annotations import Annotation, Caption, DatasetConfig
from pipeline.datasets.protocol import annotations_of, apply_protocol, wrong_counts
from pipeline.datasets.sources import SplitCounts
from pipeline.errors import AnnotationError
from tests.pipeline.datasets.known import msrvtt_config
from tests.pipeline.datasets.readers import sample_files


def annotation(split, *texts):
    return Annotation(split, tuple(map(Caption, texts)))


def test_other_counts_than_the_known_ones_are_told_by_split():
    found = {"a": annotation("train", "x", "y"), "b": annotation("train", "z"), "c": annotation("test", "x")}
    counts = {"train": SplitCounts((2,), (3,)), "val": SplitCounts((5,)), "test": SplitCounts((2, 3), (7,))}
    assert wrong_counts(found, counts) == [
        "val: 0 videos, known are 5", "test: 1 videos, known are 2 or 3", "test: 1 captions, known are 7",
    ]  # fmt: skip


def test_wrong_counts_stop_a_run_unless_partial_ones_are_allowed(tmp_path):
    sample_files.msrvtt(tmp_path)
    counts = {"train": SplitCounts((6513,)), "val": SplitCounts((2,), (6,))}
    with pytest.raises(AnnotationError, match=r"train: 6 videos, known are 6513; get .* or go on with --allow-partial"):
        annotations_of("msrvtt", msrvtt_config(tmp_path, counts=counts))
    found, warnings = annotations_of("msrvtt", msrvtt_config(tmp_path, counts=counts, allow_partial=True))
    assert len(found) == 12
    assert warnings == ["not the known train: 6 videos, known are 6513"]


def test_a_validation_split_is_taken_from_the_training_videos_by_their_names():
    found = {f"video{i}": annotation("test" if i % 10 == 0 else "train", "x") for i in range(2000)}
    used = apply_protocol(found, DatasetConfig(videos="v", validation_from_train=0.1))
    moved = {name for name in found if used[name].split != found[name].split}
    assert {used[name].split for name in moved} == {"val"}
    assert {found[name].split for name in moved} == {"train"}
    assert len(moved) == pytest.approx(180, abs=5 * (1800 * 0.1 * 0.9) ** 0.5)  # five standard deviations
    fewer = apply_protocol(dict(list(found.items())[:50]), DatasetConfig(videos="v", validation_from_train=0.1))
    assert all(used[name] == fewer[name] for name in fewer)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_a_validation_split_has_a_video_where_there_are_two_to_train_on(count):
    found = {f"video{i}": annotation("train", "x") for i in range(count)} | {"other": annotation("test", "x")}
    used = apply_protocol(found, DatasetConfig(videos="v", validation_from_train=1e-9))
    splits = [one.split for one in used.values()]
    assert (splits.count("train"), splits.count("val"), splits.count("test")) == (
        (count - 1, 1, 1) if count > 1 else (1, 0, 1)
    )
    with_own = found | {"more": annotation("val", "x")}
    assert apply_protocol(with_own, DatasetConfig(videos="v", validation_from_train=1e-9)) == with_own


def test_a_paragraph_is_all_captions_of_a_video_one_after_another():
    found = {"a": annotation("train", "A boy.", "He rows."), "b": Annotation("test", ())}
    used = apply_protocol(found, DatasetConfig(videos="v", fuse_captions=True))
    assert used == {"a": annotation("train", "A boy. He rows."), "b": Annotation("test", ())}


@pytest.mark.parametrize("judged", [{"grade": 2}, {"id": "q1"}, {"windows_s": ((0.0, 1.0),)}])
def test_a_paragraph_of_captions_with_grades_is_one_line_that_says_what_to_do(judged):
    found = {"a": annotation("train", "x"), "b": Annotation("test", (Caption("y"), Caption("z", **judged)))}
    with pytest.raises(
        AnnotationError, match="no grade, id or window of theirs; take it out of the dataset's YAML"
    ) as one:
        apply_protocol(found, DatasetConfig(videos="v", fuse_captions=True))
    assert "\n" not in str(one.value)
    assert apply_protocol(found, DatasetConfig(videos="v")) == found
