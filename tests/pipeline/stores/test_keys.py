"""Keys are compared with Python's own sets and lists of strings."""

import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stores.keys import Keys, KeySet, Sorted, contained, pack, unpack

PLAIN = st.text("0123456789abcdef", min_size=32, max_size=32)
ODD = st.one_of(st.text(max_size=40), st.text("0123456789ABCDEF ", min_size=32, max_size=32))
FEW = st.sampled_from([f"{number:032x}" for number in range(8)] + ["a", "", "0" * 31 + "A"])
KEYS = st.lists(st.one_of(PLAIN, ODD, FEW), max_size=40)


@given(KEYS)
def test_keys_are_the_same_after_they_were_packed(keys):
    assert unpack(*pack(keys)) == keys


@given(KEYS, KEYS)
def test_a_set_of_keys_is_a_set(all_keys, others):
    chosen = {key for key in all_keys if len(key) % 2 or key < "4"}
    found = KeySet(Keys(all_keys), np.array([key in chosen for key in all_keys], np.bool_))
    assert found == chosen
    assert len(found) == len(chosen)
    assert sorted(found) == sorted(chosen)
    assert contained(found, others) == contained(chosen, others) == [key in chosen for key in others]
    assert found.less(others) == chosen - set(others)
    assert found & set(others) == chosen & set(others)
    assert 3 not in found
    assert pickle.loads(pickle.dumps(found)) == chosen
    assert KeySet.of(frozenset(chosen)) == chosen


@given(KEYS, KEYS)
def test_a_key_is_found_at_its_first_place_that_is_not_put_off(keys, wanted):
    last = [len(key) % 3 == 0 for key in keys]
    by_key = {}
    for place, (key, _) in sorted(enumerate(zip(keys, last, strict=True)), key=lambda item: (item[1][1], item[0])):
        by_key.setdefault(key, place)
    found = Keys(wanted).find_in(Sorted(pack(keys)[0], np.array(last, np.bool_)))
    assert found.tolist() == [by_key.get(key, -1) for key in wanted]


@pytest.mark.parametrize("same", [8, 12, 16])
def test_keys_that_begin_alike_are_told_apart(same):
    rng = random.Random(0)
    keys = ["0" * same + f"{rng.getrandbits(64):016x}".ljust(32 - same, "1")[: 32 - same] for _ in range(200)]
    wanted = [*keys[::3], "0" * same + "f" * (32 - same)]
    found = Sorted(pack(keys)[0]).find(pack(wanted)[0])
    assert found.tolist() == [keys.index(key) if key in keys else -1 for key in wanted]


def test_of_equal_keys_only_the_first_one_counts():
    assert Keys(["b", "a", "b", "a", "c"]).is_first.tolist() == [True, True, False, False, True]
