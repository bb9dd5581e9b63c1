import numpy as np
import pytest

from pipeline.stores import keeping_reader, parts
from pipeline.stores.keeping_reader import KeepingReader
from pipeline.stores.parts import Features, Reader
from pipeline.stores.store import Row

KEYS = [f"{number:032x}" for number in range(9)]


@pytest.fixture
def folder(tmp_path):
    """A store of three parts, with three rows of 0 to 2 vectors each."""
    rng = np.random.default_rng(0)
    for first in range(0, 9, 3):
        values = [rng.normal(size=(count, 4)).astype(np.float32) for count in range(3)]
        items = [Features(one, np.stack([np.arange(len(one))] * 2, 1) * 1.0) for one in values]
        parts.publish(tmp_path, [Row(key, len(one)) for key, one in zip(KEYS[first:], values, strict=False)], items, 4)
    return tmp_path


@pytest.fixture
def read(monkeypatch):
    """(part, array) of all that was read."""
    found, read_array = [], parts.read_array
    monkeypatch.setattr(
        parts, "read_array", lambda part, name: found.append((part.name, name)) or read_array(part, name)
    )
    return found


def test_the_rows_are_those_of_the_store_and_each_array_is_read_once(folder, read):
    plain, keeping = Reader(folder), KeepingReader(folder)
    for keys in (KEYS, KEYS[::-1], KEYS[4:5]):
        for mine, its in (
            (keeping.values(keys, 4), plain.values(keys, 4)),
            (keeping.times_s(keys), plain.times_s(keys)),
        ):
            assert np.array_equal(mine.values, its.values)
            assert np.array_equal(mine.offsets, its.offsets)
        assert np.array_equal(keeping.beside("values", keys).values, plain.values(keys, 4).values)
    read.clear()
    keeping.values(KEYS, 4)
    assert read == []


def test_what_is_kept_is_bounded_and_the_rest_is_read_again(folder, read, monkeypatch):
    monkeypatch.setattr(keeping_reader, "KEPT_BYTES", 3 * 4 * 4 * 2)  # the values of two parts
    keeping, expected = KeepingReader(folder), Reader(folder).values(KEYS, 4).values
    keeping.values(KEYS, 4)
    read.clear()
    assert np.array_equal(keeping.values(KEYS, 4).values, expected)
    assert len(read) == 1


def test_what_a_caller_does_to_its_rows_is_its_own(folder):
    keeping = KeepingReader(folder)
    expected = keeping.values(KEYS, 4).values.copy()
    keeping.values(KEYS, 4).values[:] = 0
    assert np.array_equal(keeping.values(KEYS, 4).values, expected)
