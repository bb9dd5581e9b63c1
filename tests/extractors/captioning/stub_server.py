"""A server on loopback that speaks some of OpenAI's protocol, and answers what a test tells it to."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stub:
    """Its answers, by turns for each request of a chat completion: a text, or (status, body bytes, headers)."""

    def __init__(self, answer=lambda request: "A man cooks. He smiles."):
        self.answer = answer
        self.requests = []
        self.headers = []
        self.models = 200, b'{"data": []}', {}
        self.address = ""


def completion(text):
    return 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode(), {}


@contextlib.contextmanager
def running(stub):
    """Context in which the stub listens at `stub.address`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send(*stub.models)

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stub.requests.append((self.path, asked))
            stub.headers.append(dict(self.headers))
            answer = stub.answer(asked)
            self.send(*(completion(answer) if isinstance(answer, str) else answer))

        def send(self, status, body, headers):
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    stub.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
