import numpy as np
import pytest

from search.index.previous_vectors import PreviousVectors, VectorBlock
from search.index.vectors import DIGESTS, MOMENT_TIMES, MOMENTS, VIDEOS, save

NAMES = np.array([b"cc", b"aa", b"dd", b"bb"])
COUNTS = [2, 0, 3, 1]


@pytest.fixture
def previous(tmp_path) -> PreviousVectors:
    """Four videos of one expert: video i has the vector (i, i), its moment m has (10 i + m, 0) and starts at m s."""
    videos = np.repeat(np.arange(4.0), 2).reshape(4, 2)
    owners = np.repeat(np.arange(4), COUNTS)
    starts_s = np.concatenate([np.arange(count) for count in COUNTS]).astype(float)
    moments = np.stack([10 * owners + starts_s, np.zeros(6)], 1)
    save(tmp_path / VIDEOS, ["look"], [videos.astype(np.float32)], np.array([[True], [False], [True], [True]]))
    save(tmp_path / MOMENTS, ["look"], [moments.astype(np.float32)], np.ones((6, 1), bool))
    np.savez(tmp_path / MOMENT_TIMES, starts_s=starts_s, offsets=np.concatenate([[0], np.cumsum(COUNTS)]))
    np.save(tmp_path / DIGESTS, NAMES)
    return PreviousVectors(tmp_path, ["look"])


def test_videos_are_found_by_their_digests(previous):
    wanted = np.array([b"bb", b"xx", b"aa", b"", b"cc"])
    assert previous.rows_of(wanted).tolist() == [3, -1, 1, -1, 0]


def test_the_vectors_of_videos_are_taken_in_the_order_that_is_asked_for(previous):
    block = previous.videos(np.array([4, 7, 9]), np.array([3, 1, 0]))
    assert block.owners.tolist() == [4, 7, 9]
    assert block.vectors[0][:, 0].tolist() == [3, 1, 0]
    assert block.present.ravel().tolist() == [True, False, True]


def test_each_video_brings_all_of_its_moments(previous):
    block = previous.moments(np.array([4, 7, 9]), np.array([2, 1, 0]))
    assert block.owners.tolist() == [4, 4, 4, 9, 9]
    assert block.starts_s.tolist() == [0, 1, 2, 0, 1]
    assert block.vectors[0][:, 0].tolist() == [20, 21, 22, 0, 1]


def test_two_blocks_become_one_in_the_order_of_their_videos():
    def block(owners: list[int]) -> VectorBlock:
        rows = np.array(owners)
        return VectorBlock(rows, rows * 1.0, (np.stack([rows, rows], 1).astype(np.float32),), rows[:, None] % 2 == 0)

    merged = block([0, 3, 3]).merged(block([1, 2, 4]))
    assert merged.owners.tolist() == [0, 1, 2, 3, 3, 4]
    assert merged.starts_s.tolist() == merged.vectors[0][:, 1].tolist() == [0, 1, 2, 3, 3, 4]
    assert merged.present.ravel().tolist() == [True, False, True, False, False, True]
    assert merged.first(2).owners.tolist() == [0, 1]
    assert [len(part) for part in (merged.first(0).starts_s, merged.first(0).vectors[0], merged.first(0).present)] == [
        0
    ] * 3
