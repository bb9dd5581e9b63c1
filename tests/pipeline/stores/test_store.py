import json
import shutil

import numpy as np
import pytest

from pipeline.errors import DamagedError, StoreError
from pipeline.stores import part_index, parts, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row


@pytest.fixture(autouse=True)
def fresh_process():
    store.forget_scans()


def publish(folder, *rows):
    features = [Features(np.ones((row.count, 2), np.float32), np.zeros((row.count, 2))) for row in rows]
    return parts.publish(folder, rows, features, 2)


def test_the_rows_of_all_parts_are_found(tmp_path):
    publish(tmp_path, Row("a", 2), Row("b", 0, reason="no audio stream"))
    publish(tmp_path, Row("c", 1))
    assert store.rows(tmp_path) == {
        "a": Row("a", 2),
        "b": Row("b", 0, reason="no audio stream"),
        "c": Row("c", 1),
    }
    assert len(store.parts(tmp_path)) == 2


def test_there_is_nothing_in_a_store_that_is_not_there(tmp_path):
    assert store.rows(tmp_path / "nowhere") == {}
    assert store.parts(tmp_path / "nowhere") == []


def test_what_is_still_being_written_does_not_count(tmp_path):
    temporary, final = store.new_part(tmp_path)
    temporary.mkdir()
    (temporary / "zarr.json").write_text('{"attributes": {"rows": [{"key": "a", "count": 1}]}}')
    assert store.rows(tmp_path) == {}
    temporary.rename(final)
    assert store.rows(tmp_path) == {"a": Row("a", 1)}


def test_a_row_that_two_writers_wrote_counts_once(tmp_path):
    publish(tmp_path, Row("a", 2), Row("b", 1))
    publish(tmp_path, Row("a", 2), Row("c", 1))
    assert sorted(store.rows(tmp_path)) == ["a", "b", "c"]


def test_a_good_row_wins_over_a_failed_one_of_the_same_video(tmp_path):
    # Two runs at once, one on a machine where a codec is missing: the features are there, so nothing failed.
    for order in ((True, False), (False, True)):
        folder = tmp_path / str(order[0])
        folder.mkdir()
        for number, failed in enumerate(order):
            (part,) = publish(folder, Row("a", 0 if failed else 2, failed=failed, reason="crashed" if failed else ""))
            part.rename(folder / f"part-{number}.zarr")
        store.forget_scans()
        assert store.rows(folder)["a"] == Row("a", 2)


@pytest.mark.parametrize(
    "index",
    [
        "",
        "{",
        "[]",
        '{"attributes": {}}',
        '{"attributes": {"rows": [{"key": "a"}]}}',
        '{"attributes": {"rows": [{"key": "a", "count": 1, "more": 2}]}}',
        '{"attributes": {"rows": 3}}',
    ],
)
def test_a_damaged_index_is_told_and_what_to_do(tmp_path, index):
    (part,) = publish(tmp_path, Row("a", 1))
    (part / "zarr.json").write_text(index)
    with pytest.raises(StoreError, match=r"part-.*damaged: its index cannot be read"):
        store.rows(tmp_path)


def test_an_index_that_is_gone_is_told(tmp_path):
    (part,) = publish(tmp_path, Row("a", 1))
    (part / "zarr.json").unlink()
    with pytest.raises(StoreError, match="its index cannot be read"):
        store.rows(tmp_path)


def test_a_part_name_is_never_given_twice(tmp_path):
    names = {store.new_part(tmp_path)[1] for _ in range(100)}
    assert len(names) == 100
    assert all(final.name.startswith("part-") and final.suffix == ".zarr" for final in names)


def test_failures_are_forgotten_and_nothing_else(tmp_path):
    publish(tmp_path, Row("a", 1), Row("b", 0, failed=True, reason="x"), Row("c", 0, failed=True, reason="y"))
    publish(tmp_path, Row("d", 0, reason="no audio stream"))
    assert store.forget(tmp_path, ["a", "b", "d"]) == 2
    store.forget_scans()
    assert sorted(store.rows(tmp_path)) == ["a", "d"]
    assert parts.read(tmp_path, ["a"], 2).values.tolist() == [[1, 1]]


def test_failures_of_other_videos_are_kept(tmp_path):
    publish(tmp_path, Row("theirs", 0, failed=True, reason="x"))
    assert store.forget(tmp_path, ["ours"]) == 0
    assert sorted(store.rows(tmp_path)) == ["theirs"]
    assert store.forget(tmp_path / "nowhere", ["ours"]) == 0


def test_five_thousand_parts_are_read_once_and_then_only_what_is_new(tmp_path, monkeypatch):
    read, read_index = [], part_index.read_index
    monkeypatch.setattr(store, "read_index", lambda part: read.append(part.name) or read_index(part))
    names = [f"part-{number:04}.zarr" for number in range(5000)]
    for number, name in enumerate(names):
        (tmp_path / name).mkdir()
        body = {"attributes": store.attributes([Row(f"{number:032x}", 1)], ["values"])}
        (tmp_path / name / "zarr.json").write_text(json.dumps(body))
    assert len(store.rows(tmp_path)) == 5000
    assert store.table(tmp_path) is store.table(tmp_path)
    assert sorted(read) == names
    parts.Reader(tmp_path)
    assert store.rows_of(tmp_path / names[7]) == (Row(f"{7:032x}", 1),)
    (new,) = publish(tmp_path, Row("new", 1))
    shutil.rmtree(tmp_path / names[0])
    assert sorted(store.rows(tmp_path)) == sorted([*(f"{number:032x}" for number in range(1, 5000)), "new"])
    assert read[5000:] == [new.name], "by the listing of names, another process too"
    store.forget_scans()
    assert len(store.table(tmp_path)) == 5000
    assert len(read) == 5002, "a new process reads the copy, and what came after it"


def test_of_many_stores_those_that_were_not_looked_at_lately_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "KEPT_ROWS", 4)
    for name in "abc":
        publish(tmp_path / name, Row(name, 1), Row(f"{name}{name}", 1))
    first = {name: store.table(tmp_path / name) for name in "ab"}
    assert store.table(tmp_path / "a") is first["a"]
    store.table(tmp_path / "c")
    assert store.table(tmp_path / "a") is first["a"]
    assert store.table(tmp_path / "b") is not first["b"]
    assert sorted(store.rows(tmp_path / "b")) == ["b", "bb"]


def test_parts_that_were_read_before_a_damaged_one_are_not_read_again(tmp_path, monkeypatch):
    written = sorted(publish(tmp_path, Row(f"{number}", 1))[0] for number in range(6))
    for part in written[2:4]:
        (part / "zarr.json").write_text("{")
    read, read_index = [], part_index.read_index
    monkeypatch.setattr(store, "read_index", lambda part: read.append(part.name) or read_index(part))
    for part in written[2:4]:
        with pytest.raises(DamagedError) as caught:
            store.table(tmp_path)
        assert caught.value.path == part
        shutil.rmtree(part)
    assert len(store.rows(tmp_path)) == 4
    assert sorted(read) == [part.name for part in written]


def test_a_store_that_cannot_be_looked_into_is_told(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store.os, "listdir", refuse)
    with pytest.raises(StoreError, match="cannot be read: Permission denied"):
        store.rows(tmp_path)


@pytest.mark.parametrize("row", [{"key": 1, "count": 1}, {"key": "a", "count": "1"}, {"key": "a", "count": -1}])
def test_an_index_without_a_checksum_with_values_of_another_kind_is_damaged(tmp_path, row):
    (part,) = publish(tmp_path, Row("a", 1))
    (part / "zarr.json").write_text(json.dumps({"attributes": {"rows": [row]}}))
    with pytest.raises(DamagedError, match="its index cannot be read"):
        store.rows(tmp_path)
