import hashlib

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.datasets.splits import SPLITS, SplitFractions, split_of, splits_by_hash

NAMES = st.sets(st.integers(0, 10**6).map(lambda number: f"video_{number}.mp4"), max_size=12)
FRACTIONS = st.sampled_from([SplitFractions(), SplitFractions(0.6, 0.2, 0.2), SplitFractions(0.98, 0.01, 0.01)])


def test_splits_have_about_their_shares_and_adding_videos_moves_none():
    fractions = SplitFractions(0.6, 0.1, 0.3)
    splits = [split_of(f"video_{number}.mp4", fractions) for number in range(5000)]
    for name, share in (("train", 0.6), ("val", 0.1), ("test", 0.3)):
        # Five standard deviations of a binomial.
        assert splits.count(name) / 5000 == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / 5000))
    assert [split_of(f"video_{number}.mp4", fractions) for number in (7, 3)] == [splits[7], splits[3]]


def test_a_share_of_nothing_gets_nothing():
    assert {split_of(str(number), SplitFractions(0.0, 0.0, 1.0)) for number in range(200)} == {"test"}
    assert {split_of(str(number), SplitFractions(1.0, 0.0, 0.0)) for number in range(200)} == {"train"}
    assert {split_of(str(number), SplitFractions(0.5, 0.5, 0.0)) for number in range(200)} == {"train", "val"}


@given(NAMES, FRACTIONS, st.sets(st.sampled_from(SPLITS)))
@settings(deadline=None)
def test_a_split_is_empty_only_where_there_are_too_few_videos(names, fractions, taken):
    found = splits_by_hash(names, fractions, taken)
    assert found.keys() == names
    if len(names) >= 3:
        assert set(found.values()) | taken == set(SPLITS)
    if len(names) < 3 - len(taken):
        assert found == {name: split_of(name, fractions) for name in names}


@given(NAMES, FRACTIONS, st.sets(st.sampled_from(SPLITS)))
@settings(deadline=None)
def test_where_the_hash_fills_every_split_it_decides_alone_and_adding_moves_no_video(names, fractions, taken):
    natural = {name: split_of(name, fractions) for name in names}
    assume(set(natural.values()) | taken == set(SPLITS))
    assert splits_by_hash(names, fractions, taken) == natural
    more = splits_by_hash(names | {"one_more.mp4"}, fractions, taken)
    assert {name: more[name] for name in names} == natural


@given(NAMES, FRACTIONS, st.integers(0, 10**6))
@settings(deadline=None)
def test_adding_a_video_moves_at_most_two_others_in_the_smallest_datasets(names, fractions, number):
    before = splits_by_hash(names, fractions)
    after = splits_by_hash(names | {f"video_{number}.mp4"}, fractions)
    assert len(names) < 3 or sum(before[name] != after[name] for name in names) <= 2


@given(NAMES, FRACTIONS)
@settings(deadline=None)
def test_the_splits_follow_one_another_in_the_order_of_the_hashes(names, fractions):
    found = splits_by_hash(names, fractions)
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert [SPLITS.index(found[name]) for name in order] == sorted(SPLITS.index(split) for split in found.values())


def test_a_split_without_a_fraction_stays_empty():
    assert set(splits_by_hash("abcd", SplitFractions(0.9, 0.0, 0.1)).values()) == {"train", "test"}
    assert splits_by_hash("a", SplitFractions(0.0, 0.0, 1.0)) == {"a": "test"}


@pytest.mark.parametrize("order", ["abcdef", "fedcba"])
def test_the_order_of_the_captions_decides_nothing(order):
    assert splits_by_hash(order, SplitFractions()) == splits_by_hash("abcdef", SplitFractions())
