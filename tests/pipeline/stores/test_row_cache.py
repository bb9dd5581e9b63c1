import json
import shutil

import numpy as np
import pytest

from pipeline.errors import DamagedError, NewerVersionError
from pipeline.stores import part_index, parts, row_cache, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch):
    store.forget_scans()
    monkeypatch.setattr(store, "COPIED_PARTS", 2)


@pytest.fixture
def read(monkeypatch):
    """Names of the parts whose indexes are read."""
    names, read_index = [], part_index.read_index
    monkeypatch.setattr(store, "read_index", lambda part: names.append(part.name) or read_index(part))
    return names


def publish(folder, *keys):
    features = Features(np.ones((1, 2), np.float32), np.zeros((1, 2)))
    return parts.publish(folder, [Row(key, 1, reason="dim") for key in keys], [features] * len(keys), 2)[0]


def scanned(folder):
    """The keys of a store, as a new process finds them."""
    store.forget_scans()
    return sorted(store.rows(folder))


@pytest.fixture
def folder(tmp_path):
    """A store of three parts, of which there is a copy."""
    for key in "abc":
        publish(tmp_path, key, f"{ord(key):032x}")
    scanned(tmp_path)
    assert (tmp_path / row_cache.NAME).is_file()
    return tmp_path


ALL = sorted([*"abc", *(f"{ord(key):032x}" for key in "abc")])


def test_what_was_copied_is_read_from_the_copy_with_all_that_it_says(folder, read):
    assert scanned(folder) == ALL
    assert read == []
    assert store.rows(folder)["a"] == Row("a", 1, reason="dim")


def test_a_small_store_has_no_copy(tmp_path, read):
    publish(tmp_path, "a")
    assert scanned(tmp_path) == scanned(tmp_path) == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == [read[0]]
    assert len(read) == 2


def test_only_new_parts_are_read_and_those_that_are_gone_are_dropped(folder, read):
    gone, new = store.parts(folder)[0], publish(folder, "d")
    lost = {row.key for row in store.rows_of(gone)}
    shutil.rmtree(gone)
    read.clear()
    assert scanned(folder) == sorted({*ALL, "d"} - lost)
    assert read == [new.name]


def test_a_part_that_was_damaged_since_is_told(folder):
    index = store.parts(folder)[1] / "zarr.json"
    index.write_text(index.read_text().replace('"count": 1', '"count": 2'))
    with pytest.raises(DamagedError, match="another checksum"):
        scanned(folder)


def test_a_part_that_a_newer_program_wrote_since_is_refused(folder):
    index = store.parts(folder)[1] / "zarr.json"
    body = json.loads(index.read_text())
    body["attributes"]["format"] = part_index.FORMAT + 1
    index.write_text(json.dumps(body))
    with pytest.raises(NewerVersionError):
        scanned(folder)


def test_a_part_whose_index_is_gone_is_told(folder):
    (store.parts(folder)[1] / "zarr.json").unlink()
    with pytest.raises(DamagedError):
        scanned(folder)


def test_a_damaged_copy_is_not_used_whichever_bit_is_flipped(folder, read):
    copy = folder / row_cache.NAME
    whole = copy.read_bytes()
    for at in range(0, len(whole), 7):
        copy.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert scanned(folder) == ALL, at
        assert store.rows(folder)["a"] == Row("a", 1, reason="dim")
    for length in (0, 1, 100, len(whole) - 1):
        copy.write_bytes(whole[:length])
        assert scanned(folder) == ALL
    assert read


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_what_is_no_copy_is_written_again(folder, content, read):
    (folder / row_cache.NAME).write_bytes(content)
    assert scanned(folder) == ALL
    assert len(read) == 3
    assert scanned(folder) == ALL
    assert len(read) == 3


def test_a_copy_of_other_columns_is_not_used(folder, read):
    with np.load(folder / row_cache.NAME) as file:
        columns = {name: file[name] for name in file.files}
    np.savez(folder / row_cache.NAME, **columns | {"counts": columns["counts"][:-1]})
    assert scanned(folder) == ALL
    assert len(read) == 3


def test_a_copy_of_another_store_is_not_used(folder, tmp_path_factory, read):
    other = tmp_path_factory.mktemp("other")
    for key in "xyz":
        publish(other, key)
    shutil.copy(folder / row_cache.NAME, other)
    assert scanned(other) == ["x", "y", "z"]


def test_a_store_that_cannot_be_written_is_read_all_the_same(folder, monkeypatch):
    (folder / row_cache.NAME).unlink()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.stores.atomic.publish", full)
    assert scanned(folder) == ALL
    assert not (folder / row_cache.NAME).exists()
    assert not list(folder.glob(".tmp-*"))
