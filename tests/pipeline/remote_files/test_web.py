"""Requests to web servers: what is followed, and what is refused."""

import socket

import pytest

from pipeline.errors import OutageError, RemoteError
from pipeline.remote_files import web
from pipeline.remote_files.web import PassingError, content_range, request


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes 5-9/10", (5, 10)),
        ("bytes 5-9/*", (5, None)),
        ("bytes */10", (None, 10)),
        ("", (None, None)),
        ("pages 1-2/3", (None, None)),
    ],
)
def test_content_range_is_read_as_rfc_9110_writes_it(header, found):
    assert content_range({"Content-Range": header}) == found


def get(address):
    with request(address, {}) as response:
        return response.raw.read()


def test_a_redirect_to_another_address_is_followed(web_server):
    (web_server.folder / "b.mp4").write_bytes(b"video")
    web_server.faults["a.mp4"] = {f"redirect:{web_server.address}/b.mp4"}
    web_server.faults["c.mp4"] = {"redirect:/b.mp4"}
    assert get(f"{web_server.address}/a.mp4") == get(f"{web_server.address}/c.mp4") == b"video"


@pytest.mark.parametrize("there", ["file:///etc/passwd", "ftp://a.org/x", "gopher://a.org", "data:,x", "//"])
def test_a_redirect_to_anything_but_a_web_server_is_refused(web_server, there):
    web_server.faults["a.mp4"] = {f"redirect:{there}"}
    with pytest.raises(RemoteError, match="redirect"):
        get(f"{web_server.address}/a.mp4")


def test_a_circle_of_redirects_ends(web_server):
    web_server.faults["a.mp4"] = {f"redirect:{web_server.address}/a.mp4"}
    with pytest.raises(RemoteError, match="more than 5 redirects"):
        get(f"{web_server.address}/a.mp4")
    assert len(web_server.requests) == 6


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "2852039166", "[fd00:ec2::254]"]
)
def test_the_addresses_at_which_clouds_hand_out_credentials_are_never_asked(web_server, host, monkeypatch):
    with pytest.raises(RemoteError, match="never asked"):
        get(f"http://{host}/latest/meta-data")
    web_server.faults["a.mp4"] = {f"redirect:http://{host}/latest/meta-data"}
    with pytest.raises(RemoteError, match="never asked"):
        get(f"{web_server.address}/a.mp4")


def test_a_redirect_from_the_world_into_the_own_network_is_refused(monkeypatch):
    numbers = {"world.org": "8.8.8.8", "inner.org": "10.0.0.1"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: [(0, 0, 0, "", (numbers[host], 80))])
    web._resolved.cache_clear()
    with pytest.raises(RemoteError, match="network of this machine"):
        web._target("http://world.org/x", "http://inner.org/x", "http://world.org/x")
    assert web._target("http://inner.org/x", "http://inner.org/y", "") == "http://inner.org/y"
    assert web._target("http://world.org/x", "/y", "") == "http://world.org/y"
    web._resolved.cache_clear()


@pytest.mark.parametrize(
    ("status", "kind"), [(404, RemoteError), (403, RemoteError), (500, PassingError), (503, OutageError)]
)
def test_a_status_is_told_with_the_address_and_no_secret(web_server, status, kind):
    web_server.faults["a.mp4"] = {str(status)}
    with pytest.raises(kind, match=rf"/a.mp4\?...: the server answers {status}") as raised:
        get(f"{web_server.address}/a.mp4?sig=5ec4e7")
    assert "5ec4e7" not in str(raised.value)
    assert isinstance(raised.value, OutageError) == (status == 503)


def test_nobody_at_an_address_is_an_outage_and_not_the_fault_of_a_file():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(OutageError, match="does not answer"):
            get(f"http://127.0.0.1:{free.getsockname()[1]}/secret.mp4")


def test_a_compressed_answer_is_refused(web_server):
    (web_server.folder / "a.mp4").write_bytes(b"video")
    web_server.headers["a.mp4"] = {"Content-Encoding": "gzip"}
    with pytest.raises(RemoteError, match="as gzip"):
        get(f"{web_server.address}/a.mp4")
