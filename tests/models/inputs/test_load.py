import dataclasses

import numpy as np
import pytest

from models.inputs.load import bank, collect
from pipeline.datasets.manifest import UNLABELLED
from pipeline.datasets.videos import Listed
from pipeline.errors import TrainingError
from tests.models.synthetic import synthetic_split
from tests.models.synthetic_stores import EXPERTS, stored_sources, without


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return stored_sources(tmp_path_factory.mktemp("stores"), fully_blind=("test3",))


def test_a_split_holds_its_videos_captions_and_features_in_the_order_of_the_manifest(sources):
    split, expected = collect(sources, "val"), synthetic_split(6, 1, EXPERTS)
    assert [video.video_id for video in split.videos] == [f"val{number}" for number in range(6)]
    for expert in EXPERTS:
        np.testing.assert_array_equal(
            split.collection.features[expert.name].values, expected.features[expert.name].values
        )
    owners = [int(text.split(",")[0].removeprefix("val")) for text in split.captions]
    np.testing.assert_array_equal(split.collection.caption_video, owners)
    for row, text in enumerate(split.captions):
        original = int(text.rsplit(" ", 1)[1])
        np.testing.assert_array_equal(split.collection.tokens[row], expected.tokens[original])
        assert split.tags[row] == (("rgb",) if owners[row] % 2 else ("rgb", "audio"))


def test_videos_that_no_expert_saw_take_no_part_and_are_named(sources):
    split = collect(sources, "test")
    assert [video.video_id for video in split.blind] == ["test3"]
    assert len(split.videos) == split.collection.num_videos == 7
    assert not any(text.startswith("test3,") for text in split.captions)


def test_equal_captions_have_equal_tokens_each(sources):
    videos = sources.manifest.split("val")
    same = videos[0].captions[:1]
    changed = [dataclasses.replace(video, captions=same) for video in videos]
    manifest = dataclasses.replace(sources.manifest, videos=Listed(changed))
    tokens = collect(dataclasses.replace(sources, manifest=manifest), "val").collection.tokens
    expected = collect(sources, "val").collection.tokens[0]
    assert len(tokens) == len(videos)
    for row in range(len(tokens)):
        np.testing.assert_array_equal(tokens[row], expected)


def test_two_splits_come_one_after_the_other(sources):
    both, first = collect(sources, "train", "val"), collect(sources, "train")
    assert len(both.videos) == len(first.videos) + 6
    assert both.captions == first.captions + collect(sources, "val").captions


@pytest.mark.parametrize(("split", "message"), [("train", "nothing to train on"), ("test", "nothing to evaluate on")])
def test_a_split_without_videos_is_an_error_that_says_what_it_is_needed_for(sources, split, message):
    with pytest.raises(TrainingError, match=f"no captioned video in the {split} split, so there is {message}"):
        collect(without(sources, split), split)


def test_a_split_that_nobody_saw_is_an_error(tmp_path):
    blind = stored_sources(tmp_path, fully_blind=[f"val{number}" for number in range(6)])
    with pytest.raises(TrainingError, match="no expert has features of any video in the val split"):
        collect(blind, "val")


def test_a_bank_is_made_of_training_captions_spread_over_the_split(sources):
    every = collect(sources, "train").collection.tokens
    np.testing.assert_array_equal(bank(sources, 1000).tokens.values, every.values)
    few = bank(sources, 5).tokens
    assert len(few) == 5
    np.testing.assert_array_equal(few[0], every[0])
    np.testing.assert_array_equal(few[4], every[len(every) - 1])


def test_videos_without_captions_are_to_choose_from_in_a_report_where_the_dataset_says_so(sources):
    listed = sources.manifest.videos
    unasked = [
        dataclasses.replace(video, captions=(), split=split)
        for video, split in zip(listed[:3], ("val", UNLABELLED, "test"), strict=True)
    ]
    manifest = dataclasses.replace(sources.manifest, videos=Listed([*unasked, *listed[3:]]))
    asked = collect(dataclasses.replace(sources, manifest=manifest), "val", to_report=True)
    rest = dataclasses.replace(sources, manifest=manifest, has_rest=True)
    found = collect(rest, "val", to_report=True)
    assert [video.video_id for video in found.videos] == [video.video_id for video in (*asked.videos, *unasked[:2])]
    assert found.captions == asked.captions == [caption.text for caption in found.asked]
    np.testing.assert_array_equal(found.collection.caption_video, asked.collection.caption_video)
    assert len(collect(rest, "val").videos) == len(asked.videos), "nothing is trained on what has no caption"
