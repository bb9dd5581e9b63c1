import numpy as np
import pytest

from models.inputs import aligned
from models.inputs.aligned import Aligned, Calibration


def pairs(videos=6, captions=9, dim=4):
    chance = np.random.default_rng(2)
    there = np.arange(videos) != 2
    values = chance.normal(size=(videos, dim)).astype(np.float32) * there[:, None]
    return Aligned(values, chance.normal(size=(captions, dim)).astype(np.float32) + 1, there)


def test_wrong_pairs_have_mean_0_and_the_common_deviation():
    pair, owners = pairs(), np.arange(9) % 6
    found = Calibration.of(pair, owners)
    scores = (pair.texts @ pair.videos.T - found.mean) * found.scale
    wrong = scores[(owners[:, None] != np.arange(6)) & pair.present]
    assert wrong.mean() == pytest.approx(0, abs=1e-6)
    assert wrong.std() == pytest.approx(aligned.SPREAD, rel=1e-5)


def test_one_video_leaves_its_scores_as_they_are():
    one = Aligned(np.ones((1, 3), np.float32), np.ones((2, 3), np.float32), np.ones(1, bool))
    assert Calibration.of(one, np.zeros(2, np.int64)) == Calibration(0.0, 1.0)


def test_equal_scores_are_only_shifted():
    equal = Aligned(np.ones((3, 2), np.float32), np.ones((3, 2), np.float32), np.ones(3, bool))
    assert Calibration.of(equal, np.arange(3)) == Calibration(2.0, 1.0)


def test_of_very_many_an_even_share_is_looked_at(monkeypatch):
    monkeypatch.setattr(aligned, "MOST_PAIRS", 3)
    pair, owners = pairs(), np.arange(9) % 6
    rows, captions = [0, 3, 5], [0, 4, 8]  # video 2 is not there, so 0 1 3 4 5
    few = Aligned(pair.videos[rows], pair.texts[captions], pair.present[rows])
    same = np.array([rows.index(owner) if owner in rows else -1 for owner in owners[captions]])
    assert Calibration.of(pair, owners) == Calibration.of(few, same)
