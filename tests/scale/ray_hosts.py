"""Ray on the hosts of tests: a head, which also drives, and hosts of one core each."""

import os
import secrets
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from tests.scale import hosts
from tests.scale.hosts import Host
from tests.tasks.project import CONFIGS

RAY = Path(sys.executable).with_name("ray")
PORT = 6379
PATIENCE_S = 150.0
TRIES = 20
"""For Ray to start; on a machine that is busy with other tests."""

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "120",
    "OMP_NUM_THREADS": "1",
    # Else it depends on a file in the home folder whether Ray asks for one.
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}
"""Of all that talks to Ray in these tests."""


def why_not() -> str:
    """Why Ray cannot be tested on several hosts here; empty where it can."""
    return hosts.why_not() if find_spec("ray") else "needs the package ray"


def start_ray(host: Host, head: Host, **environment: str) -> None:
    """Starts Ray on a host; the head takes no task, any other host one at a time."""
    where = (
        ["--head", f"--port={PORT}", "--include-dashboard=false"] if host is head else [f"--address={address(head)}"]
    )
    command = [
        *(RAY, "start", *where, f"--node-ip-address={host.address}", f"--num-cpus={int(host is not head)}"),
        *("--object-store-memory=100000000", "--disable-usage-stats"),
        # Known beforehand, since Ray waits no longer than 15 s for its agents to choose them.
        *("--runtime-env-agent-port=6401", "--dashboard-agent-grpc-port=6402", "--metrics-export-port=6403"),
        *("--dashboard-agent-listen-port=6404",),
    ]
    # Ray starts many Python processes: where no bytecode is kept, each compiles all of Ray.
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(host.folder.parent / "bytecode")}
    log = host.folder / "ray-start.log"
    host.folder.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        process = host.start(
            command,
            cwd=CONFIGS.parent,
            env=os.environ | ENVIRONMENT | bytecode | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        code = process.wait(PATIENCE_S)
    assert code == 0, log.read_text()


def address(head: Host) -> str:
    """HOST:PORT of the cluster."""
    return f"{head.address}:{PORT}"


def object_store(head: Host) -> str:
    """What Ray says of its object store; it asks all hosts, and a dead one too until the cluster has noticed."""
    script = (
        "import ray, sys\n"
        "from ray._private.internal_api import memory_summary\n"
        "ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')\n"
        "print(memory_summary(stats_only=True))\n"
    )
    for _ in range(TRIES):
        process = host_process(head, [sys.executable, "-c", script, address(head)])
        output, errors = process.communicate(timeout=PATIENCE_S)
        if process.returncode == 0:
            return output
        time.sleep(5.0)
    raise AssertionError(errors)


def host_process(host: Host, command: list[str]) -> "subprocess.Popen[str]":
    """A command on a host, whose output is collected."""
    return host.start(command, env=os.environ | ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
