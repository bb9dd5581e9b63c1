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
    assert names(target) == ["file.bin.partial"]
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
