"""A Ray cluster as its driver sees it: how it is reached or started, its hosts, and how many tasks they take at once.

All that is set by environment variables is read when Ray is imported, so this module does not import it at the top.
"""

import logging
import os
import secrets
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.executors.base import EngineOptions
from pipeline.errors import ConfigError, ExtractionError, in_one_line
from pipeline.running.worker_pool import num_workers

REACH_S = 5.0
"""Time for a host to accept a connection."""

MAX_STARTS = 4

OBJECT_STORE_BYTES = 80 << 20
"""The least that Ray takes; nothing is kept in it."""

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    # A busy machine takes longer than the 30 s that Ray waits for its own processes.
    "RAY_raylet_start_wait_time_s": "60",
    # A task without GPUs sees none anyway; unset, Ray warns of what it will do in future.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}
OF_THIS_MACHINE = {
    # Its only effect on Linux: Ray's processes have the address 127.0.0.1, and listen on no other.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
"""Of a Ray that is started for the run."""


@dataclass(frozen=True)
class Node:
    """A host of the cluster."""

    id: str
    name: str
    is_alive: bool
    resources: Mapping[str, float]


@dataclass(frozen=True)
class Demand:
    """What one task asks for."""

    num_cpus: float
    num_gpus: float
    memory_bytes: int

    def slots(self, nodes: Sequence[Node]) -> int:
        """How many tasks the hosts run at once."""
        return sum(self._on(node.resources) for node in nodes if node.is_alive)

    def _on(self, resources: Mapping[str, float]) -> int:
        asked = {"CPU": self.num_cpus, "GPU": self.num_gpus, "memory": float(self.memory_bytes)}
        return int(min((resources.get(name, 0.0) / value + 1e-9 for name, value in asked.items() if value), default=1))

    def __str__(self) -> str:
        memory = f" and {self.memory_bytes / 1e9:g} GB of memory" if self.memory_bytes else ""
        return f"{self.num_cpus:g} CPUs, {self.num_gpus:g} GPUs{memory}"


def check_address(address: str) -> None:
    """ConfigError for an address of an unknown form; ExtractionError where nobody listens there."""
    if address in ("", "auto"):
        return
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or "/" in host or not 0 < int(port) < 1 << 16:
        raise ConfigError(f"[Engine] address = {address}: expected auto, HOST:PORT, or nothing to start Ray here")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_S).close()
    except OSError as error:
        raise ExtractionError(
            f"[Engine] address = {address}: no Ray cluster answers there ({error.strerror or error}); start one with "
            f"`ray start --head`, or leave the address empty to start Ray on this machine"
        ) from None


@contextmanager
def connected(engine: EngineOptions, temp: Path) -> Iterator[Any]:
    """Context with the module ray, connected to the cluster; one that was started for it ends with it.

    `temp` is for the files of a cluster that is started. ExtractionError where there is none or it does not fit.
    """
    os.environ.update(ENVIRONMENT)
    if not engine.address:
        # A token of its own, which nobody else on this machine has; by default Ray keeps one in the home folder.
        os.environ.update(OF_THIS_MACHINE | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    ray = _imported()
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if engine.address:
            ray.init(address=engine.address, **quiet)
        else:
            _start(ray, temp, quiet)
    except Exception as error:
        raise ExtractionError(_why_no_connection(engine.address, error)) from None
    try:
        yield ray
    finally:
        with suppress(Exception):
            ray.shutdown()


def nodes_of(ray: Any) -> list[Node]:
    """The hosts that are or were in the cluster."""
    return [
        Node(
            node["NodeID"],
            f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
            bool(node["Alive"]),
            node.get("Resources", {}),
        )
        for node in ray.nodes()
    ]


class Nodes:
    """The hosts of the cluster, and what has become of them."""

    def __init__(self) -> None:
        self.all: Sequence[Node] = ()
        """As of the last update."""

    def update(self, nodes: Sequence[Node]) -> list[Node]:
        """Takes them as the hosts from now on; those that were alive until now, and are no longer."""
        alive = {node.id for node in self.all if node.is_alive}
        self.all = nodes
        return [node for node in nodes if node.id in alive and not node.is_alive]


def demand_of(engine: EngineOptions, nodes: Sequence[Node]) -> Demand:
    """What a task asks for; a GPU where the setting leaves it open and the cluster has any."""
    has_gpus = any(node.resources.get("GPU", 0.0) for node in nodes if node.is_alive)
    num_gpus = float(has_gpus) if engine.num_gpus < 0 else engine.num_gpus
    return Demand(engine.num_cpus, num_gpus, int(engine.memory_gb * 1e9))


def _start(ray: Any, temp: Path, quiet: Mapping[str, Any]) -> None:
    """Starts Ray on this machine; again if need be, as its raylet ends when an agent is not there within 15 s."""
    for attempt in range(1, MAX_STARTS + 1):
        try:
            ray.init(
                address="local",
                num_cpus=num_workers(0),
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                _temp_dir=str(temp),
                **quiet,
            )
            return
        except Exception:
            if attempt == MAX_STARTS:
                raise
            ray.shutdown()
            _end_children()  # those of a Ray that has not come up are in nobody's list


def _end_children() -> None:
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"[Engine] name = ray needs the package ray ({error}): pip install 'expert-retrieval[ray]', or take "
            f"another engine"
        ) from None
    return ray


def _why_no_connection(address: str, error: Exception) -> str:
    """One line for what Ray says in many."""
    if not address:
        return f"Ray could not be started on this machine: {in_one_line(error)}"
    advice = (
        "this machine must be a host of the cluster too: `ray start --address=HOST:PORT`, with --num-cpus=0 if nothing "
        "is to be extracted here"
    )
    return f"[Engine] address = {address}: no connection to Ray: {in_one_line(error)[:400]}; {advice}"
