import asyncio
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from search.pages.connections import Limits, server

QUICK = Limits(head_s=1.0, body_s=1.0, idle_s=1, closing_s=0.5)
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(scope, receive, send):
    """Answers "yes" at once, to /body when the body is whole, to /slow when `released`, and to /much with 64 MB."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/body":
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
    if scope["path"] == "/slow":
        await asyncio.get_running_loop().run_in_executor(None, released.wait, 20)
    body = bytes(1 << 26) if scope["path"] == "/much" else b"yes"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    for start in range(0, len(body), 1 << 20):
        await send({"type": "http.response.body", "body": body[start : start + (1 << 20)], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


released = threading.Event()


@contextmanager
def running(limits):
    """The address of a server with these limits."""
    one = server(app, limits, host="127.0.0.1", port=0)
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    while not one.started:
        time.sleep(0.01)
    try:
        yield one.servers[0].sockets[0].getsockname()
    finally:
        released.set()
        one.should_exit = True
        thread.join(10)
        released.clear()


def said(address, *pieces: bytes) -> socket.socket:
    connection = socket.create_connection(address, timeout=20)
    for piece in pieces:
        connection.sendall(piece)
    return connection


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes; empty also where it resets the connection."""
    got = b""
    with connection, suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            got += piece
    return got


def ask(address, path: bytes = b"/") -> bytes:
    return answer(said(address, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))


def test_300_half_open_requests_keep_nobody_out_and_are_closed():
    with running(QUICK) as address:
        held = [said(address, b"GET / HTTP/1.1\r\nHost: x\r\n") for _ in range(300)]
        assert ask(address).endswith(b"yes")
        answers = [answer(one) for one in held]  # all of them end: each was closed
    assert set(answers) <= {b"", b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"}
    assert len([one for one in answers if one]) <= QUICK.most_of_client


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\n", WHOLE + b"GET / HT"], ids=["silent", "half", "second"])
def test_a_head_that_does_not_come_ends_the_connection(head):
    with running(QUICK) as address, said(address, head) as connection:
        assert answer(connection).count(b"yes") == head.count(WHOLE)


def test_a_head_that_comes_byte_by_byte_has_no_more_time():
    with running(QUICK) as address, said(address, b"GET / HTTP/1.1\r\n") as connection:
        sent = 0
        with pytest.raises(OSError, match=r"[Bb]roken pipe|reset"):
            for sent in range(200):  # noqa: B007
                connection.sendall(b"a")
                time.sleep(0.05)
    assert sent > 1


def test_a_body_that_does_not_come_ends_the_connection():
    begun = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    with running(QUICK) as address, said(address, begun, b"ab") as connection:
        assert b" 408 " in answer(connection)
        assert ask(address).endswith(b"yes")


def test_a_body_that_comes_in_time_is_taken():
    begun = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
    with running(QUICK) as address, said(address, begun, b"ab") as connection:
        time.sleep(0.2)
        connection.sendall(b"cd")
        assert answer(connection).endswith(b"yes")


def test_an_idle_connection_is_closed_and_serves_until_then():
    with running(QUICK) as address, said(address, WHOLE) as connection:
        time.sleep(0.3)
        connection.sendall(WHOLE)
        assert answer(connection).count(b"yes") == 2


def test_a_client_that_takes_nothing_is_cut_off():
    with running(Limits(stalled_s=0.5)) as address, said(address, WHOLE.replace(b"/ ", b"/much ")) as connection:
        time.sleep(2)
        assert len(answer(connection)) < 1 << 26


def test_where_all_have_a_request_in_progress_another_one_is_refused_and_told():
    limits = Limits(most_of_client=3)
    with running(limits) as address:
        busy = [said(address, WHOLE.replace(b"/ ", b"/slow ")) for _ in range(3)]
        time.sleep(0.3)
        with said(address, WHOLE) as refused:
            assert b" 503 " in answer(refused)
        released.set()
        assert all(one.recv(4096).startswith(b"HTTP/1.1 200") for one in busy)
    for one in busy:
        one.close()


def test_what_is_no_http_is_refused():
    with running(QUICK) as address, said(address, b"\x16\x03\x01\x02\x00\x01\r\n\r\n") as connection:
        assert answer(connection).startswith(b"HTTP/1.1 400")


def test_a_head_that_is_endless_is_refused():
    with running(QUICK) as address, said(address, b"GET / HTTP/1.1\r\na: " + b"b" * 200_000) as connection:
        assert answer(connection)[:12] in {b"HTTP/1.1 400", b""}  # empty: reset, since not all of it was read


def test_another_requests_deadline_does_not_end_an_answer_that_takes_long():
    slow = WHOLE.replace(b"/ ", b"/slow ")
    with running(Limits(head_s=0.5, body_s=0.5)) as address, said(address, slow) as connection:
        time.sleep(1.2)
        released.set()
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
