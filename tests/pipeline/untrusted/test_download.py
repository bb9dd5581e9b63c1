"""Downloads from a local server that breaks connections, sends wrong bytes, or does not support ranges."""

import errno
import hashlib
import os

import pytest

from pipeline.errors import FetchError
from pipeline.untrusted import download as module
from pipeline.untrusted.download import Checksum, checksum, fetch, file_name

DATA = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(server):
    server.files["file.bin"] = DATA
    return server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "sub" / "file.bin"


def get(server, target, *digits, kind="sha256", **more):
    return fetch([f"{server.url}/file.bin"], target, Checksum(kind, digits), **more)


def names(target):
    return sorted(path.name for path in target.parent.iterdir()) if target.parent.exists() else []


def test_a_file_arrives_whole_and_progress_is_told_in_bytes(server, target):
    calls = []
    assert get(server, target, SHA256, progress=lambda done, of: calls.append((done, of))) == target
    assert target.read_bytes() == DATA
    assert calls[-1] == (len(DATA), len(DATA))
    assert names(target) == ["file.bin"]


def test_a_file_that_is_there_and_right_is_not_fetched_again_and_one_that_is_wrong_is(server, target):
    get(server, target, SHA256)
    get(server, target, SHA256)
    assert len(server.requests) == 1
    target.write_bytes(b"wrong")
    get(server, target, SHA256)
    assert target.read_bytes() == DATA


def test_a_broken_connection_goes_on_where_it_stopped(server, target):
    server.break_after = [100_000, 200_000]
    get(server, target, SHA256)
    assert target.read_bytes() == DATA
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-", "bytes=300000-"]


def test_what_a_hopeless_connection_brought_is_kept_for_the_next_run(server, target):
    server.break_after = [50_000, 0, 0, 0, 0]
    with pytest.raises(FetchError, match="no connection, or one that broke off; 50000 bytes are kept, run again"):
        get(server, target, SHA256)
    assert names(target) == ["file.bin.partial", "file.bin.partial.json"]
    server.break_after = []
    get(server, target, SHA256)
    assert target.read_bytes() == DATA
    assert server.requests[-1][1] == "bytes=50000-"


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(server, target):
    server.ranges, server.break_after = False, [100_000]
    get(server, target, SHA256)
    assert target.read_bytes() == DATA


def test_a_download_that_had_arrived_whole_is_only_checked(server, target):
    target.parent.mkdir()
    target.with_name("file.bin.partial").write_bytes(DATA)
    get(server, target, SHA256)
    assert target.read_bytes() == DATA


@pytest.mark.parametrize("keep", [0, 1000])
def test_a_wrong_checksum_leaves_nothing_behind(server, target, keep):
    if keep:
        target.parent.mkdir()
        target.with_name("file.bin.partial").write_bytes(bytes(keep))
    with pytest.raises(FetchError, match=f"arrived with sha256 [0-9a-f]{{64}}, expected {'0' * 64}; not kept"):
        get(server, target, "0" * 64)
    assert names(target) == []


def test_the_first_digits_are_enough_and_one_of_several_too(server, target):
    sha1 = hashlib.sha1(DATA).hexdigest()
    get(server, target, "00000000", sha1[:8].upper(), kind="sha1")
    assert checksum(target, "sha1") == sha1


def test_without_a_known_checksum_whatever_arrives_is_taken(server, target):
    get(server, target)
    assert target.read_bytes() == DATA


OTHER = bytes(reversed(range(256))) * 4000
VERSIONS = [{"ETag": '"v1"'}, {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}]
NO_VALIDATORS = [
    {},
    {"ETag": 'W/"v1"'},
    {"ETag": "v1"},
    {"Last-Modified": "last week"},
    {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"},
]
NEXT = {"ETag": '"v2"', "Last-Modified": "Thu, 22 Oct 2015 07:28:00 GMT"}


def cut_off(server, target, num_bytes, headers):
    """A first run, of which `num_bytes` arrive."""
    server.headers["file.bin"], server.break_after = headers, [num_bytes, 0, 0, 0, 0]
    with pytest.raises(FetchError, match="no connection, or one that broke off") as caught:
        get(server, target)
    server.break_after = []
    server.requests.clear()
    server.if_ranges.clear()
    return str(caught.value)


@pytest.mark.parametrize("headers", VERSIONS)
def test_without_a_checksum_it_goes_on_where_the_server_tells_that_nothing_changed(server, target, headers):
    assert "50000 bytes are kept, run again" in cut_off(server, target, 50_000, headers)
    get(server, target)
    assert target.read_bytes() == DATA
    assert (server.requests, server.if_ranges) == ([("/file.bin", "bytes=50000-")], list(headers.values()))
    assert names(target) == ["file.bin"]


@pytest.mark.parametrize("headers", NO_VALIDATORS)
def test_without_a_checksum_and_a_strong_validator_it_starts_anew(server, target, headers):
    assert "are kept" not in cut_off(server, target, 50_000, headers)
    server.files["file.bin"] = OTHER
    get(server, target)
    assert target.read_bytes() == OTHER
    assert server.requests == [("/file.bin", None)]


@pytest.mark.parametrize("heeds", [True, False])
@pytest.mark.parametrize("headers", VERSIONS)
def test_two_versions_are_never_joined_between_two_runs(server, target, headers, heeds):
    """Also where the server ignores If-Range and sends the rest of the new version."""
    cut_off(server, target, 50_000, headers)
    server.files["file.bin"], server.if_range = OTHER, heeds
    server.headers["file.bin"] = {name: NEXT[name] for name in headers}
    get(server, target)
    assert target.read_bytes() == OTHER


@pytest.mark.parametrize("heeds", [True, False])
@pytest.mark.parametrize("headers", [*VERSIONS, *NO_VALIDATORS])
def test_two_versions_are_never_joined_between_two_connections(server, target, headers, heeds):
    server.headers["file.bin"], server.break_after, server.if_range = headers, [100_000], heeds

    def change(path):
        if server.requests:
            server.files["file.bin"] = OTHER
            server.headers["file.bin"] = {name: NEXT[name] for name in headers if name in NEXT}

    server.on_request = change
    get(server, target)
    assert target.read_bytes() == OTHER


def test_versions_joined_under_a_known_checksum_are_fetched_anew(server, target):
    target.parent.mkdir()
    target.with_name("file.bin.partial").write_bytes(DATA[:50_000])
    server.files["file.bin"] = OTHER
    get(server, target, hashlib.sha256(OTHER).hexdigest())
    assert target.read_bytes() == OTHER
    assert [asked for _, asked in server.requests] == ["bytes=50000-", None]


@pytest.mark.parametrize("headers", VERSIONS)
@pytest.mark.parametrize("shorter", [0, 10])
def test_nothing_left_to_send_counts_as_whole_only_for_the_same_version_and_length(server, target, headers, shorter):
    cut_off(server, target, 50_000, headers)
    whole = DATA[: 50_000 - shorter]
    server.files["file.bin"], server.if_range = whole, False
    get(server, target)
    assert target.read_bytes() == whole
    assert [asked for _, asked in server.requests] == ["bytes=50000-", None][: 2 if shorter else 1]


def test_nothing_left_to_send_of_another_version_of_the_same_length_is_fetched_anew(server, target):
    cut_off(server, target, 50_000, {"ETag": '"v1"'})
    server.files["file.bin"], server.if_range = OTHER[:50_000], False
    server.headers["file.bin"] = {"ETag": '"v2"'}
    get(server, target)
    assert target.read_bytes() == OTHER[:50_000]


def test_a_server_that_claims_more_than_it_sends_is_given_up(server, target):
    server.lengths["file.bin"] = len(DATA) + 5
    for headers in (VERSIONS[0], {}):
        server.headers["file.bin"] = headers
        server.requests.clear()
        with pytest.raises(FetchError, match="no connection, or one that broke off"):
            get(server, target)
        assert len(server.requests) < 10
        assert not target.exists()


def test_the_rest_is_not_asked_of_another_address(server, target):
    """Its file may be another one, under the same validator."""
    cut_off(server, target, 50_000, {"ETag": '"v1"'})
    server.files["other.bin"], server.headers["other.bin"] = OTHER, {"ETag": '"v1"'}
    fetch([f"{server.url}/other.bin"], target, Checksum())
    assert target.read_bytes() == OTHER


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"validator": "x"}'])
def test_bytes_of_an_unknown_version_are_not_continued(server, target, damage):
    cut_off(server, target, 50_000, {"ETag": '"v1"'})
    target.with_name("file.bin.partial.json").write_text(damage)
    server.files["file.bin"] = OTHER
    get(server, target)
    assert target.read_bytes() == OTHER


def test_the_next_address_is_tried_and_all_reasons_are_told(server, target):
    urls = [f"{server.url}/moved.bin", f"{server.url}/file.bin"]
    fetch(urls, target, Checksum())
    assert target.read_bytes() == DATA
    target.unlink()
    with pytest.raises(FetchError) as caught:
        fetch([urls[0], "ftp://elsewhere/x", "file:///etc/passwd"], target, Checksum())
    assert "moved.bin: the server answers 404" in str(caught.value)
    assert "ftp://elsewhere/x: only http:// and https://" in str(caught.value)
    assert "file:///etc/passwd: only http" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_machine_that_is_not_there_is_told(target):
    with pytest.raises(FetchError, match="no connection"):
        fetch(["http://127.0.0.1:9/x"], target, Checksum())


def test_a_full_disk_is_told_and_what_arrived_is_kept(server, target, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            self.file.__enter__()
            return self

        def __exit__(self, *rest):
            return self.file.__exit__(*rest)

        def write(self, chunk):
            if self.file.tell() + len(chunk) > 60_000:
                self.file.write(chunk[: 60_000 - self.file.tell()])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.file.write(chunk)

    real = module.Path.open
    monkeypatch.setattr(
        module.Path,
        "open",
        lambda self, mode="r", **more: Full(real(self, mode)) if mode in ("ab", "wb") else real(self, mode),
    )
    with pytest.raises(
        FetchError, match=r"file\.bin: no space left on the disk \(\d+ MB free\); free some and run again"
    ):
        get(server, target, SHA256)
    monkeypatch.undo()
    assert target.with_name("file.bin.partial").stat().st_size == 60_000
    get(server, target, SHA256)
    assert target.read_bytes() == DATA


def test_the_file_name_of_a_url_is_the_last_part_of_its_path():
    assert file_name("https://example.org/a/b.tar.gz?download=1#top") == "b.tar.gz"
    assert file_name("http://example.org/") == ""


def test_a_folder_that_cannot_be_made_is_told(server, tmp_path):
    (tmp_path / "sub").write_text("a file")
    with pytest.raises(FetchError, match=r"file\.bin: cannot be written"):
        get(server, tmp_path / "sub" / "file.bin")
