import gc
import hashlib
import sys

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.export.tars import key_of, write_tars
from tests.pipeline.export import samples

pytestmark = pytest.mark.filterwarnings("ignore:.*unclosed file:ResourceWarning", "ignore:.*FileIO")

COUNTS = [2, 3, 1, 0, 4]


def read(folder):
    """video -> its sample, as WebDataset reads the shards."""
    webdataset = pytest.importorskip("webdataset")
    shards = [str(path) for path in sorted(folder.glob("*.tar"))]
    found = {one["json"]["video"]: one for one in webdataset.WebDataset(shards, shardshuffle=False).decode()}
    gc.collect()  # it leaves its files to this
    return found


def test_each_video_is_a_sample_with_its_vectors_and_all_else(tmp_path):
    assert write_tars(samples.videos(COUNTS), tmp_path, samples.source()) == 10
    found = read(tmp_path)
    assert list(found) == [video.video for video in samples.videos(COUNTS)]
    for video in samples.videos(COUNTS):
        one = found[video.video]
        np.testing.assert_array_equal(one["npy"].view(np.uint32), video.features.values.view(np.uint32))
        assert one["json"]["times_s"] == video.features.times_s.tolist()
        assert one["json"]["text"] == video.features.extras["text"].tolist()
        assert (one["json"]["content"], one["json"]["expert"]) == (video.content, "seen_light")


def test_shards_end_after_so_many_bytes(tmp_path):
    write_tars(samples.videos([2] * 7), tmp_path, samples.source(), shard_bytes=3 * 2 * 3 * 4)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"seen_light-{number:06}.tar" for number in range(3)]
    assert len(read(tmp_path)) == 7


def test_of_however_many_videos_few_are_in_memory_at_once(tmp_path):
    videos = samples.Counted(1000, rows=7, dim=8)
    assert write_tars(videos, tmp_path, samples.source(8), shard_bytes=1 << 14) == 7000
    assert videos.most <= 3 * 7


def test_two_writings_are_equal_byte_for_byte(tmp_path):
    digests = set()
    for name in ("one", "two"):
        write_tars(samples.videos(COUNTS), tmp_path / name, samples.source())
        (path,) = (tmp_path / name).iterdir()
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_of_nothing_there_is_a_shard_without_samples(tmp_path):
    assert write_tars(iter(()), tmp_path, samples.source()) == 0
    assert len(list(tmp_path.glob("*.tar"))) == 1


def test_different_ids_have_different_keys():
    ids = ["a.mp4", "a%2Emp4", "a_mp4", "a.mkv", "b/a.mp4"]
    assert len({key_of(one) for one in ids}) == len(ids)
    assert not any("." in key_of(one) for one in ids)


def test_without_its_package_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "webdataset", None)
    with pytest.raises(ConfigError, match=r"^[^\n]*pip install 'expert-retrieval\[webdataset\]'$"):
        write_tars(samples.videos([1]), tmp_path / "f", samples.source())
