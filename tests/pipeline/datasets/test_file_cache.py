import sqlite3

import pytest

from pipeline.datasets import file_cache
from pipeline.datasets.file_cache import FileInfo, open_cache
from pipeline.errors import DamagedError

INFO = FileInfo("c" * 32, 1.5, True, False, True, "a note", "", False)


def key(number, stamp="1"):
    return f"/videos/{number}'%\"é.mp4", stamp


def on_disk(path):
    """The number of rows that another process would find."""
    with sqlite3.connect(path) as database:
        (num,) = database.execute("SELECT COUNT(*) FROM files").fetchone()
    database.close()
    return num


def test_inspections_are_read_back_in_the_order_that_is_asked_for(tmp_path):
    infos = {number: FileInfo(f"{number:032}", number / 3) for number in range(1200)}
    with open_cache(tmp_path / "cache") as cache:
        for number, info in infos.items():
            cache.write(key(number), info)
    asked = [7, 1199, 3000, 0, 7, *range(1200)]
    with open_cache(tmp_path / "cache") as cache:
        assert list(cache.read(key(number) for number in asked)) == [infos.get(number) for number in asked]
        assert list(cache.read([key(7, "2")])) == [None], "the file has changed"
        assert list(cache.read([])) == []


def test_many_inspections_are_committed_together_and_a_slow_one_at_once(tmp_path, monkeypatch):
    now_s = [1000.0]
    monkeypatch.setattr(file_cache.time, "monotonic", lambda: now_s[0])
    with open_cache(tmp_path / "cache") as cache:
        seen = []
        for number in range(50):
            now_s[0] += 0.1
            cache.write(key(number), INFO)
            seen.append(on_disk(tmp_path / "cache"))
        lost = [number + 1 - there for number, there in enumerate(seen)]
        assert max(lost) * 0.1 <= file_cache.COMMIT_S, "a kill costs no more than that"
        assert len(set(seen)) < 5, "few commits"
        now_s[0] += 100
        cache.write(key(50), INFO)
        assert on_disk(tmp_path / "cache") == 51


def test_an_error_loses_nothing_and_nobody_waits_for_a_lock(tmp_path):
    with pytest.raises(KeyboardInterrupt), open_cache(tmp_path / "cache") as cache:
        for number in range(10):
            cache.write(key(number), INFO)
        with sqlite3.connect(tmp_path / "cache", timeout=0) as other:
            other.execute("INSERT INTO files VALUES ('x', 'y', 'z')")
        other.close()
        raise KeyboardInterrupt
    assert on_disk(tmp_path / "cache") == 11


@pytest.mark.parametrize(
    "facts", ["{", "[]", '{"content": "c", "colour": 1}', "null", '{"content": "c", "check": "x"}']
)
def test_a_row_that_is_damaged_or_of_another_version_counts_as_none(tmp_path, facts):
    with open_cache(tmp_path / "cache") as cache:
        cache.write(key(0), INFO)
        cache.commit()
        cache._database.execute("UPDATE files SET facts = ?", (facts,))
        assert list(cache.read([key(0)])) == [None]


def test_a_table_of_other_columns_is_told(tmp_path):
    with sqlite3.connect(tmp_path / "cache") as database:
        database.execute("CREATE TABLE files (colour TEXT)")
    database.close()
    with pytest.raises(DamagedError, match="only a cache"), open_cache(tmp_path / "cache") as cache:
        cache.write(key(0), INFO)
