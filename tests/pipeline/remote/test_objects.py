import os
import pickle
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import obstore
import pytest

from pipeline.errors import ConfigError, OutageError, RemoteError
from pipeline.remote import objects
from pipeline.remote.objects import Objects, is_remote


def test_addresses_are_told_from_paths():
    assert all(map(is_remote, ("s3://b/p", "gs://b", "az://c/p", "http://h/x", "https://h/x", "S3://b")))
    assert not any(map(is_remote, ("data/store", "/mnt/s3", "C:\\data", "ftp://h/x", "s3:/b", "", "file:///x")))


def test_an_object_is_read_as_it_was_written_and_a_missing_one_is_none(stored, tmp_path):
    source = tmp_path / "file"
    source.write_bytes(b"from a file")
    stored.put("a/b", b"from memory")
    stored.put("a/c d/ü.bin", source)
    assert stored.read("a/b") == b"from memory"
    assert stored.read("a/c d/ü.bin") == b"from a file"
    head = stored.head("a/b")
    assert head is not None
    assert (head.key, head.size) == ("a/b", 11)
    assert abs(head.modified_s - time.time()) < 60
    assert stored.head("nowhere") is None
    with pytest.raises(FileNotFoundError):
        stored.read("nowhere")


def test_a_listing_goes_down_and_folders_do_not(stored):
    for key in ("a/1", "a/x/2", "a/y/3", "ab/4", "5"):
        stored.put(key, key.encode())
    assert sorted(one.key for one in stored.found()) == ["5", "a/1", "a/x/2", "a/y/3", "ab/4"]
    assert sorted(one.key for one in stored.found("a")) == ["a/1", "a/x/2", "a/y/3"]
    assert list(stored.found("nowhere")) == []
    assert stored.folders() == ["a", "ab"]
    assert stored.folders("a") == ["x", "y"]
    folders, files = stored.level("a")
    assert (folders, [one.key for one in files]) == (["x", "y"], ["a/1"])


def test_a_listing_that_breaks_names_each_object_once(stored, monkeypatch):
    for index in range(2500):
        stored.put(f"{index:04}", b"")
    whole, breaks = obstore.list, iter([2, 1, None])

    def breaking(store, prefix):
        after = next(breaks)
        for number, page in enumerate(whole(store, prefix)):
            if number == after:
                raise obstore.exceptions.GenericError("Generic S3 error: HTTP error: connection reset")
            yield page

    monkeypatch.setattr(obstore, "list", breaking)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert [one.key for one in stored.found()] == [f"{index:04}" for index in range(2500)]


def test_an_object_is_created_once_and_by_one_writer(stored):
    assert stored.create("claim", b"first")
    assert not stored.create("claim", b"second")
    assert stored.create("claim", b"first"), "its own answer was lost on the way"
    assert stored.read("claim") == b"first"


def test_an_exchange_needs_the_object_that_was_seen(stored):
    etag = stored.put("claim", b"first")
    assert stored.exchange("claim", b"second", etag)
    assert not stored.exchange("claim", b"third", etag)
    assert stored.read("claim") == b"second"


def test_deleting_what_is_not_there_is_no_error(stored):
    stored.put("a", b"")
    stored.put("b", b"")
    stored.delete(["a", "nowhere", "b"])
    stored.delete([])
    assert list(stored.found()) == []


def test_a_file_is_fetched_whole_or_not_at_all(stored, tmp_path):
    content = os.urandom(3 << 20)
    stored.put("big", content)
    path = tmp_path / "below" / "big"
    assert stored.fetch("big", path).size == len(content)
    assert path.read_bytes() == content
    with pytest.raises(FileNotFoundError):
        stored.fetch("nowhere", tmp_path / "nowhere")
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["big"]


def test_objects_can_be_pickled(stored):
    stored.put("a", b"1")
    assert pickle.loads(pickle.dumps(stored)).read("a") == b"1"


@pytest.mark.parametrize("address", ["data/store", "s3://", "ftp://host/x", ""])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="not an address"):
        Objects(address)


@pytest.mark.parametrize("address", ["s3://KEY:hidden@bucket/x", "https://host/x?sig=hidden", "az://c/p#hidden"])
def test_an_address_with_secrets_is_refused_without_repeating_them(address):
    with pytest.raises(ConfigError) as raised:
        Objects(address)
    assert "hidden" not in str(raised.value)


class _Server(ThreadingHTTPServer):
    """Answers requests with what `answers` says, one after another, and then with the last one of them."""

    def __init__(self, answers):
        self.answers, self.count = answers, 0
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        status, body = server.answers[min(server.count, len(server.answers) - 1)]
        server.count += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"one"')
        self.send_header("Last-Modified", "Thu, 26 Nov 2026 10:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_PUT = do_GET  # noqa: N815

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """A function that starts a server with these answers, which s3:// addresses then lead to."""
    servers = []
    monkeypatch.setattr(objects, "_gave_up_s", {})

    def start(*answers):
        one = _Server(answers)
        servers.append(one)
        threading.Thread(target=one.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{one.server_address[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEY")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
        return one

    yield start
    for one in servers:
        one.shutdown()
        one.server_close()


def test_trouble_of_the_server_passes(server, monkeypatch):
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    one = server(*[(503, b"")] * 7, (200, b"content"))
    assert Objects("s3://bucket/x").read("a") == b"content"
    assert one.count == 8


def test_trouble_that_stays_is_told_and_ends_in_one_line(server, monkeypatch, caplog):
    server((500, b"<Error><Code>InternalError</Code><Message>hidden</Message></Error>"))
    monkeypatch.setattr(objects, "PATIENCE_S", 0.5)
    monkeypatch.setattr(objects, "TELL_S", 0.0)
    with pytest.raises(RemoteError) as raised:
        Objects("s3://bucket/x").read("a")
    assert str(raised.value) == (
        "s3://bucket/x/a: the server has trouble: status 500 (InternalError); see to it, and run again"
    )
    assert "waiting" in caplog.text


def test_a_refusal_is_not_asked_again_and_names_what_to_check(server):
    one = server((403, b"<Error><Code>SignatureDoesNotMatch</Code><Message>hidden</Message></Error>"))
    with pytest.raises(RemoteError, match=r"denied \(SignatureDoesNotMatch\); check AWS_ACCESS_KEY_ID") as raised:
        Objects("s3://bucket/x").put("a", b"1")
    assert "hidden" not in str(raised.value)
    assert one.count == 1


def test_a_missing_bucket_is_no_missing_object(server):
    server((404, b"<Error><Code>NoSuchBucket</Code></Error>"))
    with pytest.raises(RemoteError, match="bucket is not there; create it"):
        Objects("s3://bucket/x").read("a")


def test_a_server_that_is_down_is_said_so(server, monkeypatch):
    server((200, b""))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(objects, "PATIENCE_S", 0.1)
    with pytest.raises(OutageError, match="does not answer; see whether it runs"):
        Objects("s3://bucket/x").read("a")


def test_a_server_that_was_waited_for_in_vain_is_not_waited_for_again_at_once(server, monkeypatch):
    one = server((500, b""))
    monkeypatch.setattr(objects, "PATIENCE_S", 1.0)
    counts = []
    for _ in range(2):
        before = one.count
        with pytest.raises(OutageError):
            Objects("s3://bucket/x").read("a")
        counts.append(one.count - before)
    assert counts[0] > counts[1]
    time.sleep(1.1)
    one.answers = [(500, b"")] * (one.count + 4) + [(200, b"content")]
    assert Objects("s3://bucket/x").read("a") == b"content", "after a while it is"


@pytest.mark.parametrize("key", ["a/../b", "a//b", "./a"])
def test_a_key_that_storage_cannot_hold_is_refused(key):
    with pytest.raises(RemoteError, match="not a name"):
        Objects("http://127.0.0.1:9/x").read(key)
