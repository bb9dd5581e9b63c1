"""A small HTTP server on this machine, which can be told to misbehave."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shelf:
    """What the server has, how it behaves, and what it was asked for."""

    def __init__(self):
        self.files = {}
        self.ranges = True
        self.break_after = []
        """Bytes after which the connection breaks off, one number a connection; then no more."""
        self.asked = []
        self.url = ""


@contextmanager
def serve():
    """The shelf of a server that runs meanwhile."""
    shelf = Shelf()
    handler = type("Handler", (_Handler,), {"shelf": shelf})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        shelf.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield shelf
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    shelf: Shelf

    def do_GET(self):
        data = self.shelf.files.get(self.path.lstrip("/"))
        asked = self.headers.get("Range")
        self.shelf.asked.append((self.path, asked))
        if data is None:
            self.send_error(404)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and self.shelf.ranges else 0
        if start and start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        broken = self.shelf.break_after.pop(0) if self.shelf.break_after else len(data)
        self.wfile.write(data[start : start + broken])

    def log_message(self, *args):
        pass
