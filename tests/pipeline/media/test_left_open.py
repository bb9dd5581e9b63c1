import shutil

import pytest

from pipeline.media import left_open
from pipeline.media.cursor import Cursor


@pytest.fixture
def paths(tmp_path, long_clip):
    """Two files of the same content, of which none is open afterwards."""
    yield [shutil.copy(long_clip, tmp_path / name) for name in ("a.mp4", "b.mp4")]
    left_open.close()


def left(path):
    cursor = Cursor(path)
    left_open.leave(left_open.file_at(path), cursor)
    return cursor


def is_closed(cursor):
    return next(cursor, None) is None


def test_a_file_is_taken_once(paths):
    cursor = left(paths[0])
    assert left_open.take(paths[0]) is cursor
    assert left_open.take(paths[0]) is None
    assert not is_closed(cursor)
    cursor.close()


def test_one_file_is_open_at_most(paths):
    first, second = left(paths[0]), left(paths[1])
    assert is_closed(first)
    assert left_open.take(paths[0]) is None
    assert is_closed(second)


def test_a_file_that_was_changed_or_is_gone_is_closed(paths):
    cursor = left(paths[0])
    shutil.copy(paths[0], paths[0].with_name("c.mp4"))
    paths[0].with_name("c.mp4").replace(paths[0])
    assert left_open.take(paths[0]) is None
    assert is_closed(cursor)
    left(paths[0])
    paths[0].unlink()
    assert left_open.file_at(paths[0]) is None
    assert left_open.take(paths[0]) is None


def test_an_unread_file_is_taken_and_any_other_stays_open(paths):
    cursor = left(paths[0])
    assert left_open.take_unread(paths[1]) is None
    assert left_open.take_unread(paths[0]) is cursor
    next(cursor)
    left_open.leave(left_open.file_at(paths[0]), cursor)
    assert left_open.take_unread(paths[0]) is None
    assert left_open.take(paths[0]) is cursor
    cursor.close()
