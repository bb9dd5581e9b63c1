import shutil

import numpy as np
import pytest

from pipeline.errors import StoreError
from search.index import videos
from search.index.folder import key_of
from search.index.videos import Entry, Videos

EXPERTS = ("ocr", "rgb")
ENTRIES = [
    Entry(key_of(name), name, 1.5 * at, ("", "val", "test")[at], at != 1, experts, captions)
    for at, (name, experts, captions) in enumerate(
        [("b.mp4", ("rgb",), ()), ("a 'quoted' \"name\"; DROP TABLE videos", (), ("one", "ünïcode \U0001f600")),
         ("ü/c.mp4", EXPERTS, ("x" * 10_000,))]
    )
]  # fmt: skip


@pytest.fixture
def written(tmp_path) -> Videos:
    videos.write(tmp_path, ENTRIES, EXPERTS)
    return Videos(tmp_path, EXPERTS)


def test_what_was_written_is_read_in_its_order(written):
    assert list(written) == ENTRIES
    assert len(written) == 3


def test_a_video_is_found_by_key_and_by_id_and_nothing_else(written):
    for row, entry in enumerate(ENTRIES):
        assert written.row(entry.key) == written.row(entry.video_id) == row
    for name in ("", "%", "b.mp", "B.MP4", "../b.mp4", "' OR 1=1 --"):
        assert written.row(name) is None


def test_the_columns_say_what_the_rows_say(written):
    assert written.durations_s.tolist() == [0.0, 1.5, 3.0]
    assert written.splits.tolist() == [b"", b"val", b"test"]
    assert {name: seen.tolist() for name, seen in written.present.items()} == {
        "ocr": [False, False, True], "rgb": [True, False, True]
    }  # fmt: skip


def test_an_index_that_is_deleted_meanwhile_is_told_with_what_to_do(written, tmp_path):
    shutil.rmtree(tmp_path)
    with pytest.raises(StoreError, match="Was the index deleted"):
        written.row("b.mp4")


def test_the_keys_of_very_many_videos_differ():
    assert len({key_of(f"{at}.mp4") for at in range(20_000)}) == 20_000
    # The odds that two of a million share one of 16 hex digits: n squared over twice the number of keys.
    assert 1e6**2 / 2 / 16 ** len(key_of("")) < 1e-7


def test_no_video_at_all_is_no_mistake_of_the_file(tmp_path):
    videos.write(tmp_path, [], EXPERTS)
    empty = Videos(tmp_path, EXPERTS)
    assert len(empty) == 0
    assert np.array_equal(empty.present["rgb"], np.zeros(0, bool))
