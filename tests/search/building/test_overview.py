from dataclasses import replace

import numpy as np
import pytest

from pipeline.stores import parts, store
from pipeline.stores.keys import Keys
from pipeline.stores.parts import Features, Reader
from pipeline.stores.row_table import Held
from pipeline.stores.store import Row
from search.building import overview as building
from search.building.overview import of_collection, of_expert, write_map
from search.index.overview import OfExpert, Reason, read_vectors
from tests.search import small_collection


@pytest.fixture
def videos(tmp_path):
    sources, _ = small_collection.trained(tmp_path / "tiny", small_collection.CLIPS)
    return list(sources.manifest.videos)


def features(values) -> Features:
    values = np.array(values, np.float32).reshape(-1, 2)
    return Features(values, np.zeros((len(values), 2)))


@pytest.fixture
def folder(tmp_path, videos):
    """A store in which two videos are present, the next two failed, the next is absent; the last has no row."""
    names = [video.video_id for video in videos]
    why = [f"{tmp_path}/{names[2]}: too dark", "harbour.mp4: too dark"]
    rows = [
        Row(names[0], 2),
        Row(names[1], 1),
        Row(names[2], 0, True, why[0]),
        Row(names[3], 0, True, why[1]),
        Row(names[4], 0),
    ]
    given = [features([[3, 0], [0, 1]]), features([0, 2]), features([]), features([]), features([])]
    parts.publish(tmp_path / "store", rows, given, 2)
    return tmp_path / "store"


def test_what_an_expert_has_is_counted_and_why_it_failed_is_one_reason_for_all(folder, videos, tmp_path):
    keys = [video.video_id for video in videos]
    videos[3] = replace(videos[3], video_id="deep/harbour.mp4")
    found = of_expert(Held(store.table(folder), Keys(keys)), keys, videos, tmp_path)
    assert (found.present, found.failed, found.absent) == (2, 2, len(videos) - 4)
    assert found.reasons == (Reason("too dark", 2, (videos[2].video_id, "deep/harbour.mp4")),)


def test_two_copies_of_a_video_are_two(folder, videos, tmp_path):
    keys = [videos[0].video_id, videos[0].video_id, videos[2].video_id, videos[2].video_id]
    found = of_expert(Held(store.table(folder), Keys(keys)), keys, videos[:4], tmp_path)
    assert (found.present, found.failed, found.absent) == (2, 2, 0)


def test_files_that_cannot_be_read_are_told_from_those_that_are_not_there(videos, tmp_path):
    from pipeline.datasets.absent import MISSING

    videos[0] = replace(videos[0], problem="the file is empty")
    videos[1] = replace(videos[1], problem=MISSING)
    found = of_collection({"rgb": OfExpert(1, 0, 0, ())}, videos, tmp_path)
    assert found.left_out == (Reason("the file is empty", 1, (videos[0].video_id,)),)
    assert found.missing == (Reason(MISSING, 1, (videos[1].video_id,)),)


def test_a_map_has_the_mean_of_each_video_with_features(folder, videos, tmp_path):
    keys = [video.video_id for video in videos]
    present = np.array([True, True, *[False] * (len(videos) - 2)])
    write_map(tmp_path, "rgb", Reader(folder), keys, present)
    rows, vectors = read_vectors(tmp_path, "rgb")
    assert rows.tolist() == [0, 1]
    np.testing.assert_allclose(vectors, [np.array([3, 1]) / np.sqrt(10), [0, 1]], atol=1e-3)


def test_of_a_large_collection_some_videos_are_on_the_map_evenly_spaced(folder, videos, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "MOST_ON_A_MAP", 3)
    monkeypatch.setattr(building, "BLOCK_VIDEOS", 2)
    keys = [videos[number % 2].video_id for number in range(9)]
    write_map(tmp_path, "rgb", Reader(folder), keys, np.ones(9, np.bool_))
    assert read_vectors(tmp_path, "rgb")[0].tolist() == [0, 4, 8]


def test_an_expert_without_features_has_no_map(folder, videos, tmp_path):
    write_map(tmp_path, "rgb", Reader(folder), [videos[4].video_id], np.zeros(1, np.bool_))
    assert read_vectors(tmp_path, "rgb") is None
