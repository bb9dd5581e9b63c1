import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.stores import parts, store
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
