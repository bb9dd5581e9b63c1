"""A web server on loopback that counts what it is asked for, serves ranges, and misbehaves when it is told to."""

import contextlib
import email.utils
import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


class WebServer:
    """Serves the files of a folder.

    `faults`: name of a file -> names of faults: a status, "redirect:ADDRESS", "html", "no ranges", "shifted", "cut"
    (half of a body is sent) and "stall" (no body, and no end of it).
    """

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.requests: list[tuple[str, str, int]] = []
        """(method, path, bytes of the body) of each request."""
        self.faults: dict[str, set[str]] = {}
        self.headers: dict[str, dict[str, str]] = {}
        """Name -> headers in place of those that would be sent; empty ones are left out."""
        self.released = threading.Event()
        """Ends the answers that stall."""

    def sent(self, name: str = "") -> int:
        """Bytes of bodies so far, of one file or all."""
        return sum(size for _, path, size in self.requests if name in path)


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[WebServer]:
    """Context with a server for the files of a folder."""
    with _Server(("127.0.0.1", port), _Handler) as http:
        http.daemon_threads = True
        server = WebServer(folder, f"http://127.0.0.1:{http.server_port}")
        http.state = server
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            http.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that went away


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        name = unquote(self.path.partition("?")[0]).lstrip("/")
        faults = self.server.state.faults.get(name, set())
        path = self.server.state.folder / name
        statuses = [int(fault) for fault in faults if fault.isdigit()] + ([] if path.is_file() else [404])
        targets = [fault.removeprefix("redirect:") for fault in faults if fault.startswith("redirect:")]
        if targets:
            self._plain(302, {"Location": targets[0]})
        elif statuses:
            self._plain(statuses[0])
        else:
            self._file(name, path, faults)

    def _file(self, name, path, faults):
        content = b"<!DOCTYPE html><html>Log in</html>" if "html" in faults else path.read_bytes()
        found = None if "no ranges" in faults else re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found and int(found[1]) >= len(content):
            return self._plain(416, {"Content-Range": f"bytes */{len(content)}"})
        first = int(found[1]) if found else 0
        last = min(int(found[2]) if found and found[2] else len(content) - 1, len(content) - 1)
        headers = {"ETag": f'"{hashlib.md5(content).hexdigest()}"', "Content-Length": str(last + 1 - first)}
        headers["Last-Modified"] = email.utils.formatdate(path.stat().st_mtime, usegmt=True)
        if found:
            headers["Content-Range"] = f"bytes {first + ('shifted' in faults)}-{last}/{len(content)}"
        body = content[first : last + 1]
        broken = bool(len(body) > 1 and {"cut", "stall"} & faults)
        sent = body if not broken else b"" if "stall" in faults else body[: len(body) // 2]
        self.server.state.requests.append(("GET", self.path, len(sent)))
        self._head(206 if found else 200, headers | self.server.state.headers.get(name, {}))
        with contextlib.suppress(OSError):
            self.wfile.write(sent)
        if broken:
            self.close_connection = True
        if broken and "stall" in faults:
            self.server.state.released.wait(60)
        return None

    def _head(self, status, headers):
        self.send_response(status)
        for header, value in headers.items():
            if value:
                self.send_header(header, value)
        if not headers["Content-Length"]:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def _plain(self, status, headers=None):
        self.server.state.requests.append(("GET", self.path, 0))
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
