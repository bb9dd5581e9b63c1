"""A small HTTP server on the loopback interface that can break connections and ignore ranges."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeServer:
    """The files of the server, its behaviour, and the requests that it received."""

    def __init__(self):
        self.files = {}
        """Path without the leading slash -> bytes."""
        self.headers = {}
        """Path -> headers of its answers, e.g. ETag; If-Range is compared with them, whatever kind they are."""
        self.if_range = True
        """Whether it heeds If-Range, as it must."""
        self.lengths = {}
        """Path -> the length that it claims, where that is a lie."""
        self.on_request = lambda path: None
        """Called before each answer."""
        self.ranges = True
        """Whether it answers requests for a range with that range, or with the whole file."""
        self.break_after = []
        """Number of bytes after which to break off, one for each of the next connections."""
        self.requests = []
        """(path, Range header or None) of each request."""
        self.if_ranges = []
        """If-Range header or None of each request."""
        self.url = ""


@contextmanager
def serve():
    """Context with a running FakeServer."""
    server = FakeServer()
    handler = type("Handler", (_Handler,), {"server_state": server})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        http_server.daemon_threads = True
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{http_server.server_port}"
        try:
            yield server
        finally:
            http_server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_state: FakeServer

    def do_GET(self):
        server = self.server_state
        server.on_request(self.path)
        name = self.path.lstrip("/")
        data, headers = server.files.get(name), server.headers.get(name, {})
        requested_range, condition = self.headers.get("Range"), self.headers.get("If-Range")
        server.requests.append((self.path, requested_range))
        server.if_ranges.append(condition)
        if data is None:
            self.send_error(404)
            return
        if condition and server.if_range and condition not in headers.values():
            requested_range = None
        start = int(re.fullmatch(r"bytes=(\d+)-", requested_range)[1]) if requested_range and server.ranges else 0
        length = server.lengths.get(name, len(data))
        if start and start >= len(data):
            self._begin(416, headers | {"Content-Range": f"bytes */{length}", "Content-Length": "0"})
            return
        part = {"Content-Range": f"bytes {start}-{length - 1}/{length}"} if start else {}
        self._begin(206 if start else 200, headers | part | {"Content-Length": str(length - start)})
        num_bytes = server.break_after.pop(0) if server.break_after else len(data)
        self.wfile.write(data[start : start + num_bytes])

    def _begin(self, status, headers):
        self.send_response_only(status)
        for name, value in ({"Date": self.date_time_string()} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args):
        pass
