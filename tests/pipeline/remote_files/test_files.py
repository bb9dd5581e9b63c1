"""Files by their paths, here and elsewhere."""

import random
from contextlib import suppress

import pytest

from pipeline.errors import RemoteError
from pipeline.remote_files import reader
from pipeline.remote_files.files import (
    facts_below,
    facts_of,
    faults_raised,
    is_named,
    listed,
    on_disk,
    open_binary,
    place_of,
    prefetch,
    read_bytes,
    size_of,
    small_on_disk,
    version_of,
)
from pipeline.remote_files.look import refresh
from pipeline.remote_files.places import folder_of
from tests.pipeline.packed.test_tars import tar_of
from tests.remote_folder import RANGES, WHOLE, remote_folder

CONTENT = random.Random(0).randbytes(10_000)


@pytest.fixture
def there(web_server, tmp_path):
    (web_server.folder / "a.mp4").write_bytes(CONTENT)
    return lambda reading: remote_folder(web_server, tmp_path, reading) / "a.mp4"


def test_a_file_that_lies_here_is_what_pathlib_says(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(CONTENT)
    assert facts_of(path) is None and listed(path) is None
    assert on_disk(path) == small_on_disk(path) == path and place_of(path) == str(path)
    assert size_of(path) == len(CONTENT) and read_bytes(path) == CONTENT
    before = version_of(path)
    path.write_bytes(CONTENT[1:])
    assert version_of(path) != before
    with pytest.raises(FileNotFoundError):
        size_of(tmp_path / "b.mp4")


def test_a_small_file_is_fetched_once_and_kept(there, web_server):
    path = there(WHOLE)
    web_server.requests.clear()
    for _ in range(2):
        assert read_bytes(path) == CONTENT
        assert small_on_disk(path).read_bytes() == CONTENT
    assert small_on_disk(path).suffix == ".mp4"
    assert web_server.sent() == len(CONTENT) and len(web_server.requests) == 1


def test_a_large_one_is_read_by_ranges_and_fetched_whole_for_those_who_need_a_path(there, web_server, monkeypatch):
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1000)
    path = there(RANGES)
    web_server.requests.clear()
    assert small_on_disk(path) is None
    with open_binary(path) as file:
        file.seek(9_990)
        assert file.read() == CONTENT[9_990:]
    assert web_server.sent() == 1000
    assert on_disk(path).read_bytes() == CONTENT
    assert size_of(path) == len(CONTENT)


def test_a_file_that_is_replaced_and_listed_again_is_another_one(there, web_server):
    path = there(WHOLE)
    before, stamp = version_of(path), listed(path)
    read_bytes(path)
    (web_server.folder / "a.mp4").write_bytes(CONTENT[::-1])
    assert read_bytes(path) == CONTENT  # what was listed, as it was kept
    path = there(WHOLE)
    assert version_of(path) != before and listed(path) != stamp
    assert read_bytes(path) == CONTENT[::-1]


def test_a_reading_that_failed_is_told_once(there, web_server):
    path = there(RANGES)
    web_server.faults["a.mp4"] = {"403"}
    with pytest.raises(RemoteError, match="403"), faults_raised(path), suppress(RemoteError), open_binary(path) as file:
        file.read()
    with faults_raised(path):
        pass


def test_a_path_that_is_not_listed_has_no_file(there):
    path = there(WHOLE).with_name("b.mp4")
    assert listed(path).stamp == (-1, 0) and listed(path).problem == "not listed any more"
    with pytest.raises(FileNotFoundError):
        read_bytes(path)


def test_a_place_is_shown_without_what_is_secret(there, web_server):
    assert place_of(there(WHOLE)) == f"{web_server.address}/a.mp4"


def test_small_files_are_fetched_ahead_and_what_cannot_be_is_left_to_the_reader(there, web_server, tmp_path):
    (web_server.folder / "b.txt").write_bytes(b"a caption")
    path = there(WHOLE)
    web_server.faults["a.mp4"] = {"404"}
    prefetch([path, path.with_name("b.txt"), path.with_name("c.txt"), tmp_path / "here.txt"])
    web_server.requests.clear()
    assert read_bytes(path.with_name("b.txt")) == b"a caption"
    assert not web_server.requests
    with pytest.raises(RemoteError):
        read_bytes(path)


def test_what_lies_in_a_tar_of_a_list_is_not_named_by_it_but_the_tar_that_cannot_be_read_is(tmp_path):
    (tmp_path / "x.tar").write_bytes(tar_of({"a.mp4": b"a", "LICENSE": b"free", "a.cls": b"3"}))
    (tmp_path / "plain").write_bytes(b"a video without a suffix")
    (tmp_path / "bad.tar").write_bytes(b"junk" * 200)
    (tmp_path / "l.txt").write_text("x.tar\nplain\nbad.tar\n")
    folder = folder_of(str(tmp_path / "l.txt"), tmp_path / "data", WHOLE)
    refresh(folder, [])
    names = {name: is_named(folder / name) for name in facts_below(folder)}
    assert names == {"x/a.mp4": False, "x/LICENSE": False, "x/a.cls": False, "plain": True, "bad/all of it": True}
    assert not is_named(tmp_path / "plain")
