import threading

import pytest

from pipeline.errors import StoreError
from search.index import sqlite


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a #1 ?.sqlite"
    with sqlite.create(path) as database:
        database.execute("CREATE TABLE squares (number INTEGER, square INTEGER)")
        database.executemany("INSERT INTO squares VALUES (?, ?)", [(n, n * n) for n in range(100)])
    return path


def test_a_finished_file_answers(path):
    assert sqlite.query(path, "SELECT square FROM squares WHERE number IN (?, ?)", (3, 12)) == [(9,), (144,)]


def test_any_thread_may_ask(path):
    found = []
    threads = [
        threading.Thread(
            target=lambda n=n: found.extend(sqlite.query(path, "SELECT square FROM squares WHERE number = ?", (n,)))
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(n * n,) for n in range(8)]


def test_a_file_that_is_finished_cannot_be_changed_by_a_query(path):
    with pytest.raises(StoreError, match="cannot be read"):
        sqlite.query(path, "DELETE FROM squares")
    assert sqlite.query(path, "SELECT count(*) FROM squares") == [(100,)]


def test_a_writer_that_fails_leaves_no_rows(tmp_path):
    path = tmp_path / "half.sqlite"
    with pytest.raises(RuntimeError), sqlite.create(path) as database:
        database.execute("CREATE TABLE rows (a INTEGER)")
        database.execute("INSERT INTO rows VALUES (1)")
        raise RuntimeError
    assert sqlite.query(path, "SELECT * FROM rows") == []


@pytest.mark.parametrize("damage", ["missing", "noise"])
def test_a_file_that_is_gone_or_damaged_says_what_to_do(path, damage):
    path.unlink()
    if damage == "noise":
        path.write_bytes(b"\1" * 5000)
    with pytest.raises(StoreError, match="Was the index deleted\\? Run BuildIndex"):
        sqlite.query(path, "SELECT * FROM squares")
