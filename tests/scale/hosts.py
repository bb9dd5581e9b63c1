"""Several hosts on one machine: a network namespace each, with a switch in the first, and their own mount of /tmp/ray.

What runs on one host reaches the others by their addresses only; files are shared, as on a cluster with a shared disk.
All processes of a host are ended with it, whatever happens.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NETWORK = "10.77.0."
RAY_TEMP = Path("/tmp/ray")
"""Where every Ray of a machine says what runs there: each host needs its own."""


def why_not() -> str:
    """Why this machine cannot play several hosts; empty where it can."""
    if not shutil.which("ip") or not shutil.which("unshare"):
        return "needs iproute2 and unshare"
    name = f"try{os.getpid()}"
    tried = _ip("netns", "add", name)
    if tried.returncode:
        return f"may not make network namespaces: {tried.stderr.strip()}"
    _ip("netns", "delete", name)
    return ""


class Host:
    """A network namespace with an address; the first one also has the switch that connects them."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name = f"host-{number}"
        """Its hostname."""
        self.address = f"{NETWORK}{number}"
        self.namespace = f"er{os.getpid()}-{number}"
        self.folder = folder / self.name
        """For what is its own: its /tmp/ray, and logs."""
        self._binds: list[tuple[Path, Path]] = []

    def bind(self, source: Path, target: Path) -> None:
        """Shows the file or folder `source` at `target` to what is started here from now on, and to no other host."""
        self._binds.append((source, target))

    def command(self, arguments: Sequence[str | Path]) -> list[str]:
        """The command line that runs `arguments` on this host."""
        temp = self.folder / "ray"
        temp.mkdir(parents=True, exist_ok=True)
        RAY_TEMP.mkdir(mode=0o1777, exist_ok=True)
        mounts = [f"mount --bind '{source}' '{target}'" for source, target in [(temp, RAY_TEMP), *self._binds]]
        script = " && ".join([f"hostname {self.name}", *mounts, 'exec "$@"'])
        namespace = ["ip", "netns", "exec", self.namespace, "unshare", "--mount", "--uts"]
        return [*namespace, "sh", "-c", script, "sh", *map(str, arguments)]

    def start(self, arguments: Sequence[str | Path], **options: object) -> subprocess.Popen[str]:
        """Starts a command here, in a process group of its own; `options` as of subprocess.Popen."""
        process: subprocess.Popen[str] = subprocess.Popen(
            self.command(arguments), text=True, start_new_session=True, **options
        )
        return process

    def pids(self) -> list[int]:
        """The processes of this host."""
        return [int(word) for word in _ip("netns", "pids", self.namespace).stdout.split()]

    def is_extracting(self) -> bool:
        """Whether a Ray task runs here: Ray calls its process by the name of the function, and else ray::IDLE."""
        return any(b"ray::extract_on_host" in _command_line(pid) for pid in self.pids())

    def is_stopped_in_mid_chunk(self) -> bool:
        """Stops its processes, and whether one of them is within a Ray task then; else they go on."""
        self._signal(signal.SIGSTOP)
        if self.is_extracting():
            return True
        self._signal(signal.SIGCONT)
        return False

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """Kills all processes of this host at once, as a power cut does."""
        until_s = time.monotonic() + 20
        while self.pids() and time.monotonic() < until_s:
            self._signal(signal.SIGKILL)
            time.sleep(0.1)

    def unplug(self) -> None:
        """Takes the host off the network; its processes go on."""
        _checked("-n", self.namespace, "link", "set", "wire", "down")

    def set_up(self, switch: "Host | None") -> None:
        """Makes the namespace, with a wire to the `switch`; the first host has none, and is the switch itself."""
        _checked("netns", "add", self.namespace)
        _checked("-n", self.namespace, "link", "set", "lo", "up")
        if switch is None:
            _checked("-n", self.namespace, "link", "add", "wire", "type", "bridge")
        else:
            port = f"port{self.address.rpartition('.')[2]}"
            ends = ["link", "add", port, "netns", switch.namespace, "type", "veth"]
            _checked(*ends, "peer", "name", "wire", "netns", self.namespace)
            _checked("-n", switch.namespace, "link", "set", port, "master", "wire")
            _checked("-n", switch.namespace, "link", "set", port, "up")
        _checked("-n", self.namespace, "address", "add", f"{self.address}/24", "dev", "wire")
        _checked("-n", self.namespace, "link", "set", "wire", "up")

    def take_down(self) -> None:
        """Kills what runs here and deletes the namespace; never raises."""
        self.kill()
        _ip("netns", "delete", self.namespace)


@contextmanager
def hosts(folder: Path, number: int) -> Iterator[list[Host]]:
    """So many hosts, on one network; `folder` is for what is their own."""
    made = [Host(1 + index, folder) for index in range(number)]
    try:
        for host in made:
            host.set_up(made[0] if host is not made[0] else None)
        yield made
    finally:
        for host in made:
            host.take_down()


def _command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)


def _checked(*arguments: str) -> None:
    done = _ip(*arguments)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
