"""What was listed, in SQLite."""

import pytest

from pipeline.errors import StoreError
from pipeline.remote_files.facts import Facts
from pipeline.remote_files.home import LISTING
from pipeline.remote_files.listing import read, write

FACTS = Facts("https://a.org/ü'\".mp4", 2**40, 'W/"x"', "Monday", "ab" * 32, "", False)


def test_what_is_written_is_read_and_the_next_listing_replaces_it(tmp_path):
    assert read(tmp_path, "a") is None
    write(tmp_path, [("a", FACTS), ("b", Facts("/x.mp4", is_local=True)), ("c", FACTS.broken("404"))])
    assert read(tmp_path, "a") == FACTS
    assert read(tmp_path, "b").is_local and read(tmp_path, "c").problem == "404"
    write(tmp_path, [("b", FACTS)])
    assert read(tmp_path, "a") is None and read(tmp_path, "b") == FACTS


def test_a_damaged_listing_says_what_to_do(tmp_path):
    (tmp_path / LISTING).write_bytes(b"x" * 5000)
    with pytest.raises(StoreError, match="delete it"):
        read(tmp_path, "a")
