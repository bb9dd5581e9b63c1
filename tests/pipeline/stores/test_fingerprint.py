import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stores.fingerprint import canonical, differences, file_sha256, fingerprint, fingerprint_of_long

RECIPE = {
    "extractor": "gist",
    "version": 1,
    "params": {"fps": 1.0, "grid": [4, 4], "words": {"dim": 300}},
    "note": None,
}

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def shuffled(value):
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


def test_a_fingerprint_is_12_digits_of_the_sha256_of_compact_sorted_json():
    # The text is written by hand, so that no change of the code can move every store unseen.
    text = '{"extractor":"gist","note":null,"params":{"fps":1.0,"grid":[4,4],"words":{"dim":300}},"version":1}'
    assert canonical(RECIPE) == text
    assert fingerprint(RECIPE) == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_it_is_the_same_in_another_process_whatever_its_hash_seed():
    script = f"from pipeline.stores.fingerprint import fingerprint; print(fingerprint({RECIPE!r}))"
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[3],
        )
        assert done.stdout.strip() == fingerprint(RECIPE)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), plain, max_size=4))
def test_the_order_of_keys_does_not_matter(recipe):
    assert fingerprint(shuffled(recipe)) == fingerprint(recipe)
    assert json.loads(canonical(recipe)) == recipe


def test_a_tuple_counts_as_the_list_that_json_makes_of_it():
    assert fingerprint({"a": (1, 2)}) == fingerprint({"a": [1, 2]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1, 1.0),
        (1, True),
        (1, "1"),
        (0, None),
        ([], {}),
        ([1, 2], [2, 1]),
        ("a", "A"),
        ("é", "e\N{COMBINING ACUTE ACCENT}"),
        (0.1, 0.1 + 2e-17 + 1e-16),
        ({"a": 1}, {"b": 1}),
        ([], [[]]),
    ],
)
def test_different_values_have_different_fingerprints(one, other):
    assert fingerprint({"a": one}) != fingerprint({"a": other})


def test_keys_that_hold_dots_or_quotes_are_not_mixed_up_with_nesting():
    assert fingerprint({"a.b": 1}) != fingerprint({"a": {"b": 1}})
    assert fingerprint({'a":1,"b': 1}) != fingerprint({"a": 1, "b": 1})


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        {1, 2},
        b"x",
        Path("x"),
        np.float32(1),
        np.int64(1),
        np.zeros(2),
        object(),
        lambda: 0,
        1j,
        RECIPE.keys(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_does_not_keep_exactly_is_refused_and_its_place_told(value):
    with pytest.raises(TypeError, match=r"recipe\.params\[1\]\.x"):
        fingerprint({"params": [0, {"x": value}]})


@pytest.mark.parametrize("key", [1, None, True, 1.5, ("a", "b")])
def test_a_key_that_is_no_string_is_refused(key):
    with pytest.raises(TypeError, match="not a string"):
        fingerprint({"params": {key: 1}})


def test_a_numpy_float64_is_refused_or_counts_as_the_float_that_it_is():
    assert fingerprint({"a": np.float64(0.5)}) == fingerprint({"a": 0.5})


def test_file_sha256_is_that_of_the_bytes(tmp_path):
    # Known answers: the test vectors of FIPS 180-2.
    (tmp_path / "abc").write_bytes(b"abc")
    (tmp_path / "million").write_bytes(b"a" * 1_000_000)
    (tmp_path / "empty").write_bytes(b"")
    assert file_sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "million") == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    assert file_sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_differences_are_told_in_words():
    old = {"version": 1, "params": {"bins": 8, "deep": {"x": [1]}, "gone": True}, "same": {"a": 1}}
    new = {"version": 2, "params": {"bins": 16, "deep": {"x": [1, 2]}, "added": None}, "same": {"a": 1}}
    assert differences(old, new) == [
        "params.added: (new) -> None",
        "params.bins: 8 -> 16",
        "params.deep.x: [1] -> [1, 2]",
        "params.gone: True -> (gone)",
        "version: 1 -> 2",
    ]
    assert differences(old, old) == []


def test_whatever_changes_the_fingerprint_is_told():
    for one, other in (
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": True}),
        ({"a": {}}, {}),
        ({"a": {}}, {"a": []}),
        ({"a": "1"}, {"a": 1}),
    ):
        assert fingerprint(one) != fingerprint(other)
        assert differences(one, other), f"{one} -> {other}"


@pytest.mark.parametrize("num", [0, 1, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("recipe", [{}, {"a": 1}, {"z": "ünï"}, {"a": [1.5], "b": None, "n": {"x": "🎬"}, "zz": {}}])
def test_a_list_that_is_read_item_by_item_counts_as_the_list(recipe, num):
    items = [[f'"é\n{number}', number / 3, number % 2 == 0, [-number, ["x", ""]]] for number in range(num)]
    assert fingerprint_of_long(recipe, "looks", iter(items)) == fingerprint(recipe | {"looks": items})


def test_an_item_that_json_does_not_keep_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint_of_long({}, "looks", [[math.nan]])
