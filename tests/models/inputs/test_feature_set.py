import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from models.inputs.feature_set import FeatureSet, collate
from pipeline.errors import ConfigError
from pipeline.stores import open_features
from tests.pipeline.features.stored import COUNTS, FAILED, MISSING, Stored, features

SPOKEN = {"extractor": "heard", "version": 1, "params": {}}
HEARD = {"a/one.mp4": 4, "new.mp4": 1}
"""Video -> number of words; the others have no row."""


@pytest.fixture
def opened(tmp_path, monkeypatch):
    stored = Stored(tmp_path)
    stored.yaml("experts", "heard", extractor="heard", modality="speech")
    stored.store()
    stored.store(SPOKEN, "heard", counts=HEARD, dim=2, seed=1)
    monkeypatch.chdir(tmp_path)
    return FeatureSet.open("tiny", ["seen_light", "heard"])


def test_it_holds_the_videos_that_any_expert_has(opened):
    assert opened.videos == sorted({*COUNTS, MISSING} - {FAILED})
    assert len(opened) == 4


def test_a_batch_is_padded_with_zeros_to_the_longest_and_masked(opened):
    (batch,) = DataLoader(opened, batch_size=4, collate_fn=collate)
    assert batch.videos == opened.videos
    for name, counts, seed, dim in (("seen_light", COUNTS, 0, 3), ("heard", HEARD, 1, 2)):
        assert batch.values[name].shape == (4, max(counts.values()), dim)
        assert batch.values[name].dtype == torch.float32
        for row, video in enumerate(batch.videos):
            count = counts.get(video, 0)
            mask = batch.mask[name][row]
            assert mask.tolist() == [True] * count + [False] * (len(mask) - count)
            np.testing.assert_array_equal(batch.values[name][row, :count], features(count, seed, dim).values)
            np.testing.assert_array_equal(batch.times_s[name][row, :count], features(count).times_s)
            assert not batch.values[name][row, count:].any()


def test_of_an_expert_that_all_of_a_batch_lack_there_is_one_masked_step(opened):
    batch = collate([opened[opened.videos.index("none.mp4")]])
    for name, dim in (("seen_light", 3), ("heard", 2)):
        assert batch.values[name].shape == (1, 1, dim)
        assert not batch.values[name].any()
        assert batch.mask[name].tolist() == [[False]]


def test_worker_processes_give_the_same(opened):
    # Started anew and not forked: another test of the process may have loaded Lance, which warns of forks.
    alone = list(DataLoader(opened, batch_size=2, collate_fn=collate))
    shared = list(DataLoader(opened, batch_size=2, collate_fn=collate, num_workers=1, multiprocessing_context="spawn"))
    for one, other in zip(alone, shared, strict=True):
        assert one.videos == other.videos
        assert all(torch.equal(one.values[name], other.values[name]) for name in one.values)


def test_only_the_captioned_videos_of_a_split_and_the_first_vectors(opened):
    videos = opened.experts["heard"].manifest.videos
    for split in ("train", "test"):
        some = FeatureSet(list(opened.experts.values()), split, max_tokens=2)
        assert some.videos == [one.video_id for one in videos if one.split == split and one.video_id != FAILED]
        batch = collate([some[at] for at in range(len(some))])
        assert max(int(mask.sum(1).max()) for mask in batch.mask.values()) <= 2


def test_without_experts_there_is_nothing_to_read():
    with pytest.raises(ConfigError, match="needs experts"):
        FeatureSet([])


def test_features_of_a_store_go_in_as_they_are(opened):
    item = opened[opened.videos.index("three.mp4")]
    np.testing.assert_array_equal(
        item.features["seen_light"].values, open_features("tiny", "seen_light")["three.mp4"].values
    )
