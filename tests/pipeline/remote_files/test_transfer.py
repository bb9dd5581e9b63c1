"""Transfers from a web server that cuts, stalls, lies and changes."""

import hashlib
import random

import pytest

from pipeline.errors import RemoteError
from pipeline.remote_files.facts import Facts
from pipeline.remote_files.transfer import TRIES, ChangedError, NoRangesError, fetch, look, read_range
from pipeline.remote_files.web import PassingError

CONTENT = random.Random(0).randbytes(100_000)
MOST = 10**9


@pytest.fixture
def address(web_server):
    (web_server.folder / "a.mp4").write_bytes(CONTENT)
    return f"{web_server.address}/a.mp4"


def test_a_look_costs_one_request_of_one_byte(web_server, address):
    facts = look(address)
    assert (facts.size, facts.etag) == (len(CONTENT), f'"{hashlib.md5(CONTENT).hexdigest()}"')
    assert [size for *_, size in web_server.requests] == [1]


def test_a_range_and_a_whole_file_are_the_bytes_that_were_asked_for(web_server, address, tmp_path):
    facts = look(address)
    assert read_range(facts, 1000, 5000) == CONTENT[1000:5000]
    fetch(facts, tmp_path / "a", MOST)
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_file_that_each_connection_brings_the_half_of_arrives_and_no_byte_comes_twice(web_server, address, tmp_path):
    facts = look(address)
    web_server.requests.clear()
    web_server.faults["a.mp4"] = {"cut"}
    fetch(facts, tmp_path / "a", MOST)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert web_server.sent() == len(CONTENT)
    assert read_range(facts, 0, 50_000) == CONTENT[:50_000]


def test_a_server_that_stalls_is_given_up_after_some_tries(web_server, address):
    facts = look(address)
    web_server.faults["a.mp4"] = {"stall"}
    with pytest.raises(PassingError, match=r"no byte for 0.5 s"):
        read_range(facts, 0, 100)
    assert len(web_server.requests) == 1 + TRIES


def test_a_file_that_is_another_one_by_now_is_no_data(web_server, address, tmp_path):
    facts = look(address)
    (web_server.folder / "a.mp4").write_bytes(CONTENT[::-1])
    with pytest.raises(ChangedError, match="another one"):
        read_range(facts, 0, 10)
    with pytest.raises(ChangedError):
        fetch(facts, tmp_path / "a", MOST)


def test_a_file_that_has_shrunk_is_another_one_too(web_server, address):
    facts = look(address)
    (web_server.folder / "a.mp4").write_bytes(CONTENT[:10])
    web_server.headers["a.mp4"] = {"ETag": "", "Last-Modified": ""}
    with pytest.raises(ChangedError):
        read_range(facts, 1000, 2000)


def test_another_range_than_was_asked_for_is_no_data(web_server, address):
    facts = look(address)
    web_server.faults["a.mp4"] = {"shifted"}
    with pytest.raises(RemoteError, match="from 1001 where those from 1000"):
        read_range(facts, 1000, 2000)


def test_a_server_without_ranges_sends_files_whole(web_server, address, tmp_path):
    web_server.faults["a.mp4"] = {"no ranges"}
    facts = look(address)
    assert facts.size == len(CONTENT)
    fetch(facts, tmp_path / "a", MOST)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert read_range(facts, 0, 10) == CONTENT[:10]
    with pytest.raises(NoRangesError):
        read_range(facts, 1000, 2000)
    web_server.faults["a.mp4"] |= {"cut"}
    with pytest.raises(PassingError, match="no parts of files"):
        fetch(facts, tmp_path / "a", MOST)


def test_a_file_of_unknown_size_is_taken_up_to_a_limit(web_server, address, tmp_path):
    web_server.faults["a.mp4"] = {"no ranges"}
    web_server.headers["a.mp4"] = {"Content-Length": ""}
    facts = look(address)
    assert facts.size == -1
    fetch(facts, tmp_path / "a", MOST)
    assert (tmp_path / "a").read_bytes() == CONTENT
    with pytest.raises(RemoteError, match="larger than"):
        fetch(facts, tmp_path / "a", 50_000)


def test_a_content_length_that_promises_too_much_is_a_broken_transfer(web_server, address, tmp_path):
    facts = look(address)
    web_server.faults["a.mp4"] = {"no ranges"}
    web_server.headers["a.mp4"] = {"Content-Length": str(len(CONTENT) + 1)}
    with pytest.raises(RemoteError):
        fetch(facts, tmp_path / "a", MOST)


def test_bytes_with_another_hash_than_the_list_promises_are_refused(web_server, address, tmp_path):
    right = hashlib.sha256(CONTENT).hexdigest()
    fetch(Facts(address, len(CONTENT), sha256=right), tmp_path / "a", MOST)
    with pytest.raises(RemoteError, match=f"has the sha256 {right}, and not the one in the list"):
        fetch(Facts(address, len(CONTENT), sha256="0" * 64), tmp_path / "a", MOST)


def test_an_empty_file_is_one_of_no_bytes(web_server, tmp_path):
    (web_server.folder / "a.mp4").write_bytes(b"")
    facts = look(f"{web_server.address}/a.mp4")
    assert facts.size == 0
    fetch(facts, tmp_path / "a", MOST)
    assert (tmp_path / "a").read_bytes() == b""
