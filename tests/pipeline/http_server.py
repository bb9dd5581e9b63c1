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
        self.ranges = True
        """Whether it answers requests for a range with that range, or with the whole file."""
        self.break_after = []
        """Number of bytes after which to break off, one for each of the next connections."""
        self.requests = []
        """(path, Range header or None) of each request."""
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
        data = server.files.get(self.path.lstrip("/"))
        requested_range = self.headers.get("Range")
        server.requests.append((self.path, requested_range))
        if data is None:
            self.send_error(404)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", requested_range)[1]) if requested_range and server.ranges else 0
        if start and start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        num_bytes = server.break_after.pop(0) if server.break_after else len(data)
        self.wfile.write(data[start : start + num_bytes])

    def log_message(self, *args):
        pass
